import type * as z from 'zod'
import { fieldOf } from '../../../model/data/excerpt.ts'
import { isDeeperThan, isJsonObject } from '../../../model/data/json-object.ts'
import type { ServerId } from '../../../model/names.ts'
import { redactedReason } from '../../../model/redaction/redact-reason.ts'
import { redactedText } from '../../../model/redaction/secrets.ts'
import { zodMessage } from '../../../model/schema/zod-messages.ts'
import { ServerDefinition } from '../../../model/server.ts'
import { unknownFieldsSent } from '../../../model/unknown-fields.ts'
import { Problem } from '../../http/problem.ts'
import { restoreSecrets, revealedPaths } from './restored-secrets.ts'

/** An invalid field of a definition. */
export type FieldError = { readonly field: string; readonly problem: string }

export type ManualFields = Readonly<Record<string, unknown>>

/** The body as an object; throws for any other JSON, and for fields that a server does not have. */
export function requireDefinition(body: unknown): ManualFields {
  if (isDeeperThan(body, maxDepth))
    throw new Problem('body_too_deep', `The request body is nested deeper than ${maxDepth} levels.`)
  if (isJsonObject(body)) return withoutUnknownFields(body)
  throw new Problem(
    'body_not_object',
    'The request body must be a JSON object: a server as GET /servers shows it, or a part of one.',
  )
}

function withoutUnknownFields(body: ManualFields): ManualFields {
  const errors = unknownFieldsSent(body)
    .slice(0, maxErrors)
    .map(({ field, nearest }) => {
      const remedy = field === 'disabled' ? 'write enabled: false' : nearest && `did you mean "${nearest}"?`
      return { field: field.slice(0, 100), problem: `unknown field${remedy ? `; ${remedy}` : ''}` }
    })
  if (errors.length > 0) throw invalidDefinition(errors)
  return body
}

/** The stored definition that a body changes, and whether the caller may see its secrets. */
type Existing = { readonly definition: ServerDefinition; readonly mayMove: boolean }

/**
 * Parses the definition of a manual server; throws a problem that names every invalid field.
 *
 * A client that reads a server, changes a field and writes it back sends `<redacted>` for each secret: see
 * `restoreSecrets`. A placeholder that no stored secret replaces is an error, since it would be stored as the secret.
 */
export function parseDefinition(given: ManualFields, before?: Existing): ServerDefinition {
  const { fields, restored } = before
    ? restoreSecrets(given, before.definition, before)
    : { fields: given, restored: [] }
  const parsed = ServerDefinition.safeParse(fields, { error: zodMessage })
  if (!parsed.success) throw invalidDefinition(errorsIn(parsed.error))
  const placeholders = placeholdersIn(parsed.data, '')
  if (placeholders.length > 0) throw invalidDefinition(placeholders)
  const revealed = before?.mayMove ? [] : revealedPaths(parsed.data, restored)
  if (revealed.length > 0)
    throw invalidDefinition(revealed.slice(0, maxErrors).map((field) => ({ field, problem: placeholderProblem })))
  return parsed.data
}

/** The fields with the name in the path; throws for a body that names another server. */
export function withPathName(fields: ManualFields, id: ServerId): ManualFields {
  const [, namespace = '', name = ''] = /^([^/]*)\/(.*)$/s.exec(id) ?? []
  for (const [field, value] of [
    ['namespace', namespace],
    ['name', name],
  ] as const) {
    const inBody = fields[field]
    if (inBody === undefined || inBody === null || inBody === value) continue
    throw invalidDefinition([
      { field, problem: `must be ${JSON.stringify(value)} as in the path: a server cannot be renamed` },
    ])
  }
  return { ...fields, namespace, name }
}

/** Applies a JSON merge patch (RFC 7396): `null` deletes a member, an object is merged, any other value replaces. */
export function mergePatch(target: unknown, patch: ManualFields): ManualFields {
  const result = new Map(isJsonObject(target) ? Object.entries(target) : [])
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) result.delete(key)
    else result.set(key, isJsonObject(value) ? mergePatch(result.get(key), value) : value)
  }
  return Object.fromEntries(result)
}

const maxDepth = 64

const placeholderProblem =
  `holds ${redactedText}, the placeholder of a secret that is not stored for this flag or name, or not for this host (url, headers) or process (command, args, env, cwd): ` +
  'send the secret, or use a token that has the "secrets" right'

function placeholdersIn(value: unknown, field: string, depth = 0): FieldError[] {
  if (typeof value === 'string') {
    return value.includes(redactedText) ? [{ field, problem: placeholderProblem }] : []
  }
  if (typeof value !== 'object' || value === null || depth > maxDepth) return []
  return Object.entries(value)
    .flatMap(([key, item]) => placeholdersIn(item, field === '' ? key : `${field}.${key}`, depth + 1))
    .slice(0, maxErrors)
}

const maxErrors = 20

function errorsIn({ issues }: z.ZodError): FieldError[] {
  return issues.slice(0, maxErrors).map(({ path, message }) => ({ field: fieldOf(path), problem: message }))
}

function invalidDefinition(errors: readonly FieldError[]): Problem {
  const details = errors.slice(0, 5).map(redactedReason)
  return new Problem('invalid_definition', `Invalid server definition. ${details.join('; ')}`, {
    more: { errors },
    isRedacted: true,
  })
}
