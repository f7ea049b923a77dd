import * as z from 'zod'

export const Stability = z.enum(['stable', 'beta', 'alpha', 'deprecated'])
export type Stability = z.output<typeof Stability>

/** Something a server can do: declared in its definition, or learned from the MCP server itself. */
export const Capability = z.lazy(() =>
  z.object({
    name: z.string().min(1).max(253).describe('Name of the capability; for a tool, the name it is called by.'),
    description: z.string().max(10_000).optional(),
    version: z.string().min(1).max(128).default('1.0.0').describe('Semantic version.'),
    category: z.string().max(253).optional(),
    stability: Stability.default('stable'),
    tags: z.array(z.string().max(253)).max(64).default([]),
    input_schema: z.record(z.string(), z.unknown()).optional().describe('JSON Schema of its input.'),
    kind: z
      .enum(['tool', 'resource', 'prompt', 'extension', 'declared'])
      .default('declared')
      .describe('`declared`: the definition does not say. The name of a resource is its URI.'),
    origin: z
      .enum(['declared', 'introspected'])
      .default('declared')
      .describe('`introspected`: learned from the MCP server itself.'),
  }),
)
export type Capability = z.output<typeof Capability>

/** The kinds of capability that queries ask for by name. `declared` may be a tool: most definitions do not say. */
export const queriedKinds = {
  tool: ['tool', 'declared'],
  prompt: ['prompt'],
  resource: ['resource'],
  extension: ['extension'],
} as const satisfies Readonly<Record<string, readonly Capability['kind'][]>>
export type QueriedKind = keyof typeof queriedKinds

/** Whether a capability can be called as a tool. */
export function isTool({ kind }: Pick<Capability, 'kind'>): boolean {
  return queriedKinds.tool.some((one) => one === kind)
}

/** Expands a plain string to a capability of that name. */
export function toCapability(value: unknown): unknown {
  return typeof value === 'string' ? { name: value } : value
}
