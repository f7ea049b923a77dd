import { isDeepStrictEqual } from 'node:util'
import type * as z from 'zod'
import { isDeeperThan, isJsonObject } from '../../model/json-object.ts'
import type { ServerId } from '../../model/names.ts'
import { redactServer } from '../../model/redaction/redact.ts'
import { redactedText } from '../../model/redaction/secrets.ts'
import { zodMessage } from '../../model/schema/zod-messages.ts'
import { ServerDefinition } from '../../model/server.ts'
import { Problem } from '../http/problem.ts'

/** One field of a definition that is not as it should be. */
export type FieldError = { readonly field: string; readonly problem: string }

export type ManualFields = Readonly<Record<string, unknown>>

/** A body that should say what a server is, as an object. */
export function objectIn(body: unknown): ManualFields {
  if (isDeeperThan(body, deepest))
    throw new Problem('body_too_deep', `The body is nested deeper than ${deepest} levels.`)
  if (isJsonObject(body)) return body
  throw new Problem(
    'body_not_object',
    'The body must be a JSON object: a server as GET /servers shows it, or a part of one.',
  )
}

/**
 * Reads a definition that somebody wrote; throws the problem that names every wrong field.
 *
 * Who read a server, changed a field and writes it back sends `<redacted>` where secrets are: there, what `before` says
 * stays. A placeholder for a secret that is not known is an error, since it would be stored as if it were one.
 */
export function definitionIn(fields: ManualFields, before?: ServerDefinition): ServerDefinition {
  const parsed = ServerDefinition.safeParse(before ? restored(fields, redactServer(before), before) : fields, {
    error: zodMessage,
  })
  if (!parsed.success) throw wrongFields(errorsIn(parsed.error))
  const placeholders = placeholdersIn(parsed.data, '')
  if (placeholders.length > 0) throw wrongFields(placeholders)
  return parsed.data
}

/** The fields under the name that the path gives; a body that speaks of another server is refused. */
export function named(fields: ManualFields, id: ServerId): ManualFields {
  const [, namespace = '', name = ''] = /^([^/]*)\/(.*)$/s.exec(id) ?? []
  for (const [field, value] of [
    ['namespace', namespace],
    ['name', name],
  ] as const) {
    const said = fields[field]
    if (said === undefined || said === null || said === value) continue
    throw wrongFields([
      { field, problem: `must be ${JSON.stringify(value)} as in the path: a server cannot be renamed` },
    ])
  }
  return { ...fields, namespace, name }
}

/** A JSON merge patch (RFC 7396): `null` takes a member away, an object is merged, all else replaces. */
export function merged(target: unknown, patch: ManualFields): ManualFields {
  const result = new Map(isJsonObject(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, isJsonObject(value) ? merged(result.get(key), value) : value)
  }
  return Object.fromEntries(result)
}

const deepest = 64

/** `said` with what everybody is shown of a secret replaced by the secret. */
function restored(said: unknown, shown: unknown, known: unknown, depth = 0): unknown {
  if (said === shown || depth > deepest) return isDeepStrictEqual(said, shown) ? known : said
  if (Array.isArray(said) && Array.isArray(shown) && Array.isArray(known)) {
    return said.map((one, index) => restored(one, shown[index], known[index], depth + 1))
  }
  if (!isJsonObject(said) || !isJsonObject(shown) || !isJsonObject(known)) return said
  return Object.fromEntries(
    Object.entries(said).map(([key, one]) => [
      key,
      Object.hasOwn(shown, key) ? restored(one, shown[key], known[key], depth + 1) : one,
    ]),
  )
}

function placeholdersIn(value: unknown, field: string, depth = 0): FieldError[] {
  if (typeof value === 'string') {
    const problem = `holds ${redactedText}, which stands for a secret that is not known here: send the value`
    return value.includes(redactedText) ? [{ field, problem }] : []
  }
  if (typeof value !== 'object' || value === null || depth > deepest) return []
  return Object.entries(value)
    .flatMap(([key, one]) => placeholdersIn(one, field === '' ? key : `${field}.${key}`, depth + 1))
    .slice(0, mostErrors)
}

const mostErrors = 20

function errorsIn({ issues }: z.ZodError): FieldError[] {
  return issues.slice(0, mostErrors).map(({ path, message }) => ({ field: path.join('.'), problem: message }))
}

function wrongFields(errors: readonly FieldError[]): Problem {
  const told = errors.slice(0, 5).map(({ field, problem }) => (field === '' ? problem : `${field}: ${problem}`))
  return new Problem('invalid_definition', `The server cannot be taken as it is. ${told.join('; ')}`, {
    more: { errors },
  })
}
