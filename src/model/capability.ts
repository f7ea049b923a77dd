import * as z from 'zod'

export const Stability = z.enum(['stable', 'beta', 'alpha', 'deprecated'])
export type Stability = z.output<typeof Stability>

/** Something a server can do: declared in its definition, or learned from the MCP server itself. */
export const Capability = z.lazy(() =>
  z.object({
    name: z
      .string()
      .min(1)
      .max(253)
      .describe('Name of the capability; for a tool without `function_name`, the name it is called by.'),
    function_name: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe('The tool that carries it out, where that has another name.'),
    description: z.string().max(10_000).optional(),
    version: z.string().min(1).max(128).default('1.0.0').describe('Semantic version.'),
    category: z.string().max(253).optional(),
    stability: Stability.default('stable'),
    tags: z.array(z.string().max(253)).max(64).default([]),
    input_schema: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('JSON Schema of its input; of a prompt, its arguments.'),
    mime_type: z.string().max(128).optional().describe('Media type of a resource.'),
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

/** Expands a plain string to a capability of that name. */
export function toCapability(value: unknown): unknown {
  return typeof value === 'string' ? { name: value } : value
}
