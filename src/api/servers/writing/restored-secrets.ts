import { isDeepStrictEqual } from 'node:util'
import { isJsonObject } from '../../../model/data/json-object.ts'
import { redactServer } from '../../../model/redaction/redact-server.ts'
import type { ServerDefinition } from '../../../model/server.ts'

/** A placeholder in a body that was replaced by the stored secret. */
type Restored = { readonly path: readonly string[]; readonly shown: string }

type Restoring = {
  readonly restored: Restored[]
  /** Whether a secret may follow its position to another flag. */
  readonly mayMove: boolean
}

/**
 * The fields with the stored secrets in place of the placeholders that a client read and writes back.
 *
 * A secret goes back only beside the flag or name that hid it, and what is sent only where all that decides where it goes is as
 * before: elsewhere it would be shown or sent. With `mayMove`, for callers that may see it, it keeps its position.
 */
export function restoreSecrets(
  fields: Readonly<Record<string, unknown>>,
  before: ServerDefinition,
  { mayMove }: { mayMove: boolean },
): { readonly fields: Readonly<Record<string, unknown>>; readonly restored: readonly Restored[] } {
  const redacted: Readonly<Record<string, unknown>> = redactServer(before)
  const stored: Readonly<Record<string, unknown>> = before
  const restoring: Restoring = { restored: [], mayMove }
  const isBound = !mayMove && !hasDestinationOf(fields, redacted)
  const entries = Object.entries(fields).map(([key, item]) =>
    isBound && sentFields.has(key) ? [key, item] : [key, restore(item, redacted[key], stored[key], [key], restoring)],
  )
  return { fields: Object.fromEntries(entries) as Record<string, unknown>, restored: restoring.restored }
}

/** The paths of restored secrets that the definition, as it would be stored, no longer hides. */
export function revealedPaths(definition: ServerDefinition, restored: readonly Restored[]): string[] {
  if (restored.length === 0) return []
  const redacted = redactServer(definition)
  return restored.filter(({ path, shown }) => valueAt(redacted, path) !== shown).map(({ path }) => path.join('.'))
}

/** What runs, with all that may steer it: any argument or variable can name a package, an image, a host or a proxy. */
const processFields = ['command', 'args', 'env', 'cwd']

/** Fields that steer what is sent: any header can name a host behind the one of the URL. */
const steeringFields = ['headers', ...processFields]

/** Fields that clients and probes send to the host, or give to the command. */
const sentFields = new Set(['url', 'health_check_url', ...steeringFields])

/** Whether what is sent goes to the same host or process as before. */
function hasDestinationOf(
  fields: Readonly<Record<string, unknown>>,
  before: Readonly<Record<string, unknown>>,
): boolean {
  return (
    originOf(fields['url']) === originOf(before['url']) &&
    steeringFields.every((field) => isDeepStrictEqual(presentOf(fields[field]), presentOf(before[field])))
  )
}

/** The value; undefined for what a definition takes as absent. */
function presentOf(value: unknown): unknown {
  const isEmpty = typeof value === 'object' && Object.keys(value ?? {}).length === 0
  return isEmpty ? undefined : value
}

/** The scheme and host of a URL; the whole text of one with a placeholder, whose host is not known. */
function originOf(url: unknown): string {
  if (typeof url !== 'string') return ''
  if (url.includes('${') || !URL.canParse(url)) return url
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}

function restore(
  body: unknown,
  redacted: unknown,
  stored: unknown,
  path: readonly string[],
  restoring: Restoring,
): unknown {
  if (redacted === stored) return body
  if (typeof body === 'string') {
    if (body !== redacted) return body
    restoring.restored.push({ path, shown: body })
    return stored
  }
  if (Array.isArray(body) && Array.isArray(redacted) && Array.isArray(stored)) {
    const indexes = originalIndexes(body, redacted, restoring.mayMove)
    return body.map((item: unknown, index) => {
      const from = indexes[index] ?? -1
      return restore(item, redacted[from], stored[from], [...path, String(index)], restoring)
    })
  }
  if (!isJsonObject(body) || !isJsonObject(redacted) || !isJsonObject(stored)) return body
  if (!restoring.mayMove && nameOf(body) !== nameOf(redacted)) return body
  return Object.fromEntries(
    Object.entries(body).map(([key, item]) => [
      key,
      Object.hasOwn(redacted, key) ? restore(item, redacted[key], stored[key], [...path, key], restoring) : item,
    ]),
  )
}

/**
 * For each item of a written list, the index of the item that it was in the list before.
 *
 * Items keep their order among those with the same name or flag, and only while these are as many as before.
 */
function originalIndexes(
  body: readonly unknown[],
  redacted: readonly unknown[],
  mayMove: boolean,
): (number | undefined)[] {
  const written = Map.groupBy(body.keys(), (index) => slotOf(body, index))
  const before = Map.groupBy(redacted.keys(), (index) => slotOf(redacted, index))
  const indexes: (number | undefined)[] = body.map(() => undefined)
  for (const [slot, places] of written) {
    const originals = before.get(slot) ?? []
    if (originals.length !== places.length) continue
    for (const [nth, index] of places.entries()) indexes[index] = originals[nth]
  }
  if (!mayMove || body.length !== redacted.length) return indexes
  return indexes.map((original, index) => original ?? index)
}

/** What hides an item of a list: the text before it, or its name; with its text. */
function slotOf(list: readonly unknown[], index: number): string {
  const item = list[index]
  if (typeof item === 'string') return JSON.stringify([list[index - 1] ?? null, item])
  return isJsonObject(item) && nameOf(item) !== undefined ? `named ${nameOf(item)}` : `item ${index}`
}

/** The name by which a pair such as `{name, value}` is known. */
function nameOf(item: Readonly<Record<string, unknown>>): string | undefined {
  const name = item['name'] ?? item['key']
  return typeof name === 'string' ? name : undefined
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let found = value
  for (const key of path) found = (found as Readonly<Record<string, unknown>> | undefined)?.[key]
  return found
}
