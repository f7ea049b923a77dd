import { Capability } from '../../model/capability.ts'
import { isDeeperThan, isJsonObject, type JsonObject } from '../../model/data/json-object.ts'
import { redactText } from '../../model/redaction/redact-text.ts'

/** What a server lists. */
export type ListedKind = 'tool' | 'prompt' | 'resource'

/** Maximum number of tools kept per server, and likewise of prompts, of resources and of extensions. */
export const maxItemsPerKind = 500
const maxTextBytes = 1024
const maxNameBytes = 253
const maxMimeTypeBytes = 128
/** Maximum number of arguments kept of a prompt. */
const maxArguments = 100
/** In characters of JSON. */
const maxSchemaLength = 16_384
/** Nesting of a schema, in levels below its top. */
const maxSchemaLevels = 31

/** What a server lists, as capabilities: bounded, with texts that are safe to show. */
export function capabilitiesOf(items: readonly unknown[], kind: ListedKind = 'tool'): Capability[] {
  const byName = new Map<string, Capability>()
  for (const item of items) {
    if (byName.size >= maxItemsPerKind) break
    const capability = isJsonObject(item) ? capabilityOf(item, kind) : undefined
    if (capability && !byName.has(capability.name)) byName.set(capability.name, capability)
  }
  return [...byName.values()]
}

function capabilityOf(item: JsonObject, kind: ListedKind): Capability | undefined {
  return Capability.safeParse({ ...fieldsOf[kind](item), kind, origin: 'introspected' }).data
}

/** The fields of a capability in what a server lists; checked by its schema. */
const fieldsOf: Record<ListedKind, (item: JsonObject) => JsonObject> = {
  tool: ({ name, description, inputSchema }) => ({
    name: sanitizeText(name),
    description: sanitizeText(description),
    input_schema: boundedSchema(inputSchema),
  }),
  prompt: ({ name, description, arguments: parameters }) => ({
    name: sanitizeText(name),
    description: sanitizeText(description),
    input_schema: boundedSchema(argumentSchema(parameters)),
  }),
  // The URI of a resource may hold the credentials of its database.
  resource: ({ uri, name, title, description, mimeType }) => ({
    name: safeText(uri),
    description: [description, title, name === uri ? undefined : name].map(safeText).find(Boolean),
    mime_type: sanitizeText(mimeType, maxMimeTypeBytes),
  }),
}

function safeText(text: unknown): string | undefined {
  const plain = sanitizeText(text)
  return plain === undefined ? undefined : redactText(plain)
}

/** The arguments of a prompt, which are texts, as a JSON Schema. */
function argumentSchema(parameters: unknown): JsonObject | undefined {
  if (!Array.isArray(parameters)) return undefined
  const named = parameters
    .slice(0, maxArguments)
    .filter(isJsonObject)
    .flatMap(({ name, description, required }) => {
      const key = sanitizeText(name, maxNameBytes)
      return key && key !== '__proto__' ? [{ key, about: sanitizeText(description), required: required === true }] : []
    })
  if (named.length === 0) return undefined
  const required = named.flatMap((one) => (one.required ? [one.key] : []))
  return {
    type: 'object',
    properties: Object.fromEntries(
      named.map(({ key, about }) => [key, { type: 'string', ...(about && { description: about }) }]),
    ),
    ...(required.length > 0 && { required }),
  }
}

function namedCapability(name: unknown, kind: 'extension'): Capability | undefined {
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
