import * as z from 'zod'

const Text = z.string().max(253)
const JsonObject = z.record(z.string(), z.unknown())

const ToolDependency = z
  .looseObject({
    capability: Text.min(1),
    tags: z
      .array(z.union([Text, z.array(Text).max(64)]))
      .max(64)
      .optional()
      .describe('Plain: required; `+tag`: preferred; `-tag`: excluded; a list inside: any of them.'),
    version: z.string().max(128).optional().describe('A semantic version constraint.'),
    required: z.boolean().optional().describe('Whether the function is unavailable without a provider.'),
    matchMode: z.enum(['subset', 'strict']).optional().describe('Compares schemas; without it none are compared.'),
    expectedSchemaHash: z.string().max(128).optional(),
    expectedSchemaCanonical: JsonObject.optional(),
  })
  .meta({ id: 'ToolDependency' })

const Tool = z
  .looseObject({
    function_name: Text.min(1).describe('Unique in the agent.'),
    capability: Text.optional().describe('What others depend on; empty for a function that offers nothing.'),
    version: z.string().max(128).optional().describe('Default 1.0.0, for an empty one too.'),
    tags: z.array(Text).max(64).optional(),
    description: z.string().max(65_536).optional(),
    inputSchema: JsonObject.optional().describe('At most 64 KiB, as every schema here.'),
    inputSchemaHash: z.string().max(128).optional(),
    inputSchemaCanonical: JsonObject.optional(),
    outputSchemaHash: z.string().max(128).optional(),
    outputSchemaCanonical: JsonObject.optional(),
    kwargs: JsonObject.optional().describe('Handed to consumers unchanged; at most 64 KiB.'),
    dependencies: z
      .array(z.union([z.string(), ToolDependency]))
      .max(64)
      .optional()
      .describe('In the order in which the answer has their providers.'),
    llm_filter: JsonObject.optional().describe('Which tools of other agents it gives to a language model.'),
    llm_provider: JsonObject.optional().describe('Which language model it uses.'),
  })
  .meta({ id: 'Tool' })

/** What published runtimes send beside the fields of every registration. Names in snake_case are accepted too. */
export const toolFields = {
  tools: z
    .array(Tool)
    .max(1000)
    .optional()
    .describe('The functions of the agent. They take the place of `capabilities` and `dependencies`.'),
  http_host: Text.optional().describe('With `http_port` the endpoint; a host name or an address alone.'),
  http_port: z
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe('0: not known yet; the endpoint of the registration before stays.'),
  runtime: z.string().max(64).optional().describe('Such as `python`, `typescript` or `java`.'),
  a2a_producer: z.boolean().optional(),
  a2a_consumer: z.boolean().optional(),
  surfaces: z
    .array(z.looseObject({ path: z.string(), skill_id: z.string() }))
    .max(64)
    .optional()
    .describe('What the agent serves over A2A; where it is absent, those of the registration before stay.'),
  heartbeat_interval: z
    .union([z.number(), z.string()])
    .optional()
    .describe('Seconds; without a `timeout_threshold` an agent may miss four heartbeats.'),
}
