import { Capability } from '../../model/capability.ts'
import { isDeeperThan, isJsonObject } from '../../model/data/json-object.ts'
import { redactText } from '../../model/redaction/redact-text.ts'

/** What a server lists. */
export type ListedKind = 'tool' | 'prompt' | 'resource'

/** Maximum number of tools kept per server, and likewise of prompts, of resources and of extensions. */
export const maxItemsPerKind = 500
const maxTextBytes = 1024
/** In characters of JSON. */
const maxSchemaLength = 16_384
/** Nesting of a schema, in levels below its top. */
const maxSchemaLevels = 31

/** What a server lists, as capabilities: bounded, with texts that are safe to show. Of prompts and resources the names alone. */
export function capabilitiesOf(items: readonly unknown[], kind: ListedKind = 'tool'): Capability[] {
  const byName = new Map<string, Capability>()
  for (const item of items) {
    if (byName.size >= maxItemsPerKind) break
    const capability = capabilityOf(item, kind)
    if (capability && !byName.has(capability.name)) byName.set(capability.name, capability)
  }
  return [...byName.values()]
}

function capabilityOf(item: unknown, kind: ListedKind): Capability | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const { name, description, inputSchema, uri } = item as Record<string, unknown>
  // The URI of a resource may hold the credentials of its database.
  if (kind === 'resource')
    return namedCapability(typeof uri === 'string' ? redactText(sanitizeText(uri) ?? '') : uri, kind)
  if (kind === 'prompt') return namedCapability(name, kind)
  const parsed = Capability.safeParse({
    name: sanitizeText(name),
    description: sanitizeText(description),
    input_schema: boundedSchema(inputSchema),
    kind,
    origin: 'introspected',
  })
  return parsed.data
}

function namedCapability(name: unknown, kind: Capability['kind']): Capability | undefined {
  return Capability.safeParse({ name: sanitizeText(name), kind, origin: 'introspected' }).data
}

/** The extensions of MCP that a server announces beside its lists. */
export function extensionsOf(announced: Readonly<Record<string, unknown>>): Capability[] {
  const { extensions } = announced
  if (!isJsonObject(extensions)) return []
  return Object.keys(extensions)
    .slice(0, maxItemsPerKind)
    .flatMap((name) => namedCapability(name, 'extension') ?? [])
}

/** Cleans untrusted text: no control or direction characters, at most `maxBytes` of UTF-8, no half characters. */
export function sanitizeText(text: unknown, maxBytes = maxTextBytes): string | undefined {
  if (typeof text !== 'string') return undefined
  const plain = text
    .slice(0, maxBytes * 2)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
    .toWellFormed()
  const bytes = Buffer.from(plain)
  return bytes.length <= maxBytes
    ? plain
    : bytes
        .subarray(0, maxBytes)
        .toString()
        .replace(/(?<!\ufffd)\ufffd+$/, '')
}

/** Omits a schema that is too large, too deep or names `__proto__`; the tool is kept. */
function boundedSchema(schema: unknown): Record<string, unknown> | undefined {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return undefined
  if (isDeeperThan(schema, maxSchemaLevels)) return undefined
  const text = JSON.stringify(schema)
  if (text.length > maxSchemaLength || text.includes('"__proto__"')) return undefined
  return schema as Record<string, unknown>
}
