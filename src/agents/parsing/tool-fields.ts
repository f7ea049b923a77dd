import { isDeeperThan, isJsonObject, type JsonObject } from '../../model/data/json-object.ts'
import { RegistrationProblem } from '../errors.ts'

/** Maximum nesting of a schema or of `kwargs`, in levels. */
const maxSchemaLevels = 64

/** Throws a problem of a field; those who read the objects around it put their own place before. */
export function rejectField(field: string, reason: string): never {
  throw new RegistrationProblem(field, reason)
}

/** The value of a field by its first spelling that is present; null is absent. */
export function fieldIn(fields: JsonObject, spellings: readonly string[]): { key: string; value: unknown } {
  for (const key of spellings) {
    const value = fields[key]
    if (value !== undefined && value !== null) return { key, value }
  }
  return { key: spellings[0] ?? '', value: undefined }
}

/** A text of at most `max` characters; empty where it is absent. */
export function textField(fields: JsonObject, key: string, max: number): string {
  const value = fields[key] ?? ''
  if (typeof value !== 'string') rejectField(key, 'must be text')
  if (value.length > max) rejectField(key, `has ${value.length} characters; at most ${max} are accepted`)
  return value
}

/** A boolean; undefined where it is absent. */
export function booleanField(fields: JsonObject, key: string): boolean | undefined {
  const value = fields[key] ?? undefined
  if (value !== undefined && typeof value !== 'boolean') rejectField(key, 'must be true or false')
  return value
}

/** An object of at most `maxBytes` as JSON; undefined where it is absent. */
export function objectField(
  fields: JsonObject,
  spellings: readonly string[],
  maxBytes: number,
): JsonObject | undefined {
  const { key, value } = fieldIn(fields, spellings)
  if (value === undefined) return undefined
  if (!isJsonObject(value)) rejectField(key, 'must be a JSON object')
  if (isDeeperThan(value, maxSchemaLevels)) rejectField(key, `is nested deeper than ${maxSchemaLevels} levels`)
  const { length } = JSON.stringify(value)
  if (length > maxBytes) rejectField(key, `has ${length} characters as JSON; at most ${maxBytes} are accepted`)
  return value
}

/** The items of a list, each read by `read`; empty where it is absent. A problem in an item names its position. */
export function listField<T>(
  value: unknown,
  { key, max }: { key: string; max: number },
  read: (item: unknown, at: number) => T,
): T[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) rejectField(key, 'must be a list')
  if (value.length > max) rejectField(key, `has ${value.length} items; at most ${max} are accepted`)
  return value.map((item: unknown, at) => within(`${key}[${at}]`, () => read(item, at)))
}

/** Completes the message of a problem by the whole place of its field. */
export function namingFields<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RegistrationProblem)) throw error
    throw new RegistrationProblem(error.field, `Validation failed: '${error.field}' ${error.message}`)
  }
}

/** Puts the place of an object before the field of a problem inside it. */
export function within<T>(place: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RegistrationProblem)) throw error
    const joint = error.field === '' || error.field.startsWith('[') ? '' : '.'
    throw new RegistrationProblem(`${place}${joint}${error.field}`, error.message)
  }
}
