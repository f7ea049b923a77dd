import { Capability } from '../../model/capability.ts'

const mostTools = 500
const mostText = 1024
const mostSchema = 16_384
const mostDepth = 32

/** The tools a server told of, as capabilities: bounded, in words that are safe to show. */
export function capabilitiesOf(tools: readonly unknown[]): Capability[] {
  const byName = new Map<string, Capability>()
  for (const tool of tools) {
    if (byName.size >= mostTools) break
    const capability = capabilityOf(tool)
    if (capability && !byName.has(capability.name)) byName.set(capability.name, capability)
  }
  return [...byName.values()]
}

function capabilityOf(tool: unknown): Capability | undefined {
  if (typeof tool !== 'object' || tool === null) return undefined
  const { name, description, inputSchema } = tool as Record<string, unknown>
  const parsed = Capability.safeParse({
    name: clean(name),
    description: clean(description),
    input_schema: boundedSchema(inputSchema),
    kind: 'tool',
    origin: 'introspected',
  })
  return parsed.data
}

/** Text of a stranger: no control or direction characters, at most a kilobyte, no half characters. */
export function clean(text: unknown, mostBytes = mostText): string | undefined {
  if (typeof text !== 'string') return undefined
  const plain = text
    .slice(0, mostBytes * 2)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim()
    .toWellFormed()
  const bytes = Buffer.from(plain)
  return bytes.length <= mostBytes
    ? plain
    : bytes
        .subarray(0, mostBytes)
        .toString()
        .replace(/\ufffd+$/, '')
}

/** A schema that is too large, too deep or meddles with prototypes is left out; the tool stays. */
function boundedSchema(schema: unknown): Record<string, unknown> | undefined {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return undefined
  if (isDeeper(schema, mostDepth)) return undefined
  const text = JSON.stringify(schema)
  if (text.length > mostSchema || text.includes('"__proto__"')) return undefined
  return schema as Record<string, unknown>
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return depth === 0 || Object.values(value).some((inner) => isDeeper(inner, depth - 1))
}
