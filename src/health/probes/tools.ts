import { Capability } from '../../model/capability.ts'
import { isDeeperThan } from '../../model/data/json-object.ts'

/** Maximum number of tools kept per server. */
export const maxTools = 500
const maxTextBytes = 1024
/** In characters of JSON. */
const maxSchemaLength = 16_384
/** Nesting of a schema, in levels below its top. */
const maxSchemaLevels = 31

/** The tools that a server lists, as capabilities: bounded, with texts that are safe to show. */
export function capabilitiesOf(tools: readonly unknown[]): Capability[] {
  const byName = new Map<string, Capability>()
  for (const tool of tools) {
    if (byName.size >= maxTools) break
    const capability = capabilityOf(tool)
    if (capability && !byName.has(capability.name)) byName.set(capability.name, capability)
  }
  return [...byName.values()]
}

function capabilityOf(tool: unknown): Capability | undefined {
  if (typeof tool !== 'object' || tool === null) return undefined
  const { name, description, inputSchema } = tool as Record<string, unknown>
  const parsed = Capability.safeParse({
    name: sanitizeText(name),
    description: sanitizeText(description),
    input_schema: boundedSchema(inputSchema),
    kind: 'tool',
    origin: 'introspected',
  })
  return parsed.data
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
