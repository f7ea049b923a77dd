import { isJsonObject, type JsonObject } from '../../../model/data/json-object.ts'

/** A place where a provider's schema lacks what its consumer reads. */
export type SchemaDifference = {
  /** `a.b`; `a.[]` for the items of a list. */
  readonly path: string
  readonly kind: 'type_mismatch' | 'missing_field' | 'missing_items_schema'
  readonly field?: string
  readonly consumer_type?: unknown
  readonly producer_type?: unknown
}

type SchemaPair = { readonly path: string; readonly consumer: JsonObject; readonly producer: JsonObject }

/**
 * Compares canonical schemas: every field that the consumer requires exists in the provider's, with a type that fits.
 *
 * Fields that the consumer does not require, `anyOf`, `enum` and `$ref` are not compared, as in the original.
 */
export function differencesOf(consumer: JsonObject, producer: JsonObject): SchemaDifference[] {
  const differences: SchemaDifference[] = []
  // Without recursion: a schema may be nested as deep as a body is long.
  const pairs: SchemaPair[] = [{ path: '', consumer, producer }]
  for (let pair = pairs.pop(); pair; pair = pairs.pop()) {
    if (!typesFit(pair.consumer['type'], pair.producer['type']))
      differences.push({
        path: pair.path,
        kind: 'type_mismatch',
        consumer_type: pair.consumer['type'],
        producer_type: pair.producer['type'],
      })
    compareFields(pair, pairs, differences)
    compareItems(pair, pairs, differences)
  }
  return differences
}

function compareFields(
  { path, consumer, producer }: SchemaPair,
  pairs: SchemaPair[],
  differences: SchemaDifference[],
): void {
  const required = Array.isArray(consumer['required']) ? (consumer['required'] as readonly unknown[]) : []
  const [asked, offered] = [objectOf(consumer['properties']), objectOf(producer['properties'])]
  for (const field of required) {
    if (typeof field !== 'string') continue
    const at = joinPath(path, field)
    if (!offered || !Object.hasOwn(offered, field)) {
      differences.push({ path: at, kind: 'missing_field', field })
      continue
    }
    const [one, other] = [asked && Object.hasOwn(asked, field) && objectOf(asked[field]), objectOf(offered[field])]
    if (one && other) pairs.push({ path: at, consumer: one, producer: other })
  }
}

function compareItems(
  { path, consumer, producer }: SchemaPair,
  pairs: SchemaPair[],
  differences: SchemaDifference[],
): void {
  const [asked, offered] = [objectOf(consumer['items']), objectOf(producer['items'])]
  if (!asked) return
  const at = joinPath(path, '[]')
  if (offered) pairs.push({ path: at, consumer: asked, producer: offered })
  else differences.push({ path: at, kind: 'missing_items_schema' })
}

/** An absent type fits any. An integer is a number. */
function typesFit(asked: unknown, offered: unknown): boolean {
  const [wanted, given] = [typesOf(asked), typesOf(offered)]
  if (wanted.length === 0 || given.length === 0) return true
  return wanted.every((type) => given.includes(type) || (type === 'number' && given.includes('integer')))
}

function typesOf(type: unknown): readonly string[] {
  const types: readonly unknown[] = Array.isArray(type) ? type : [type]
  return types.filter((one): one is string => typeof one === 'string' && one !== '')
}

function objectOf(value: unknown): JsonObject | undefined {
  return isJsonObject(value) ? value : undefined
}

function joinPath(path: string, field: string): string {
  return path === '' ? field : `${path}.${field}`
}
