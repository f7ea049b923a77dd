import * as z from 'zod'
import { toolFields } from './mesh-tool-schemas.ts'

/** Schemas of the mesh registry's requests and responses for the OpenAPI document; no request is parsed with them. */

const Version = z.string().describe('Opaque; `If-Match` or `resource_version` of a conditional write.')

const AgentCapability = z
  .looseObject({
    name: z.string(),
    description: z.string().nullable(),
    version: z.string(),
    category: z.string().nullable(),
    stability: z.string(),
    tags: z.array(z.string()),
    parameters_schema: z.record(z.string(), z.unknown()).nullable(),
    function_name: z.string().optional().describe('The function that offers it. Of agents only.'),
    available: z.boolean().optional().describe('Whether other agents may depend on it. Of agents only.'),
    unavailable_reason: z.string().optional(),
    llm_filter: z
      .object({ filter: z.array(z.looseObject({})), filter_mode: z.string() })
      .optional()
      .describe('The tools that its language model may call.'),
    llm_provider: z.looseObject({ capability: z.string() }).optional().describe('The language model that it needs.'),
    task: z.literal(true).optional(),
  })
  .meta({ id: 'AgentCapability' })

const Resolution = z
  .looseObject({
    function_name: z.string(),
    status: z.string().describe('`available` or `unresolved`.'),
    provider_agent_id: z.string().optional(),
    mcp_tool: z.string().optional().describe('Function of the provider.'),
    endpoint: z.string().optional(),
  })
  .meta({ id: 'Resolution' })

export const AgentShape = z
  .looseObject({
    id: z.string(),
    name: z.string(),
    namespace: z.string(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
    endpoint: z.string(),
    capabilities: z.array(AgentCapability),
    dependencies: z.array(z.string()),
    status: z.string(),
    last_heartbeat: z.string().nullable().describe('In lists as of the last full 5 s.'),
    last_seen: z.string().nullable().describe('Copy of `last_heartbeat`.'),
    health_interval: z.number(),
    timeout_threshold: z.number(),
    eviction_threshold: z.number(),
    agent_type: z.string(),
    runtime: z.string().optional().describe('`python`, `typescript`, `java`.'),
    a2a_producer: z.boolean(),
    a2a_consumer: z.boolean(),
    total_dependencies: z.int(),
    dependencies_resolved: z.int(),
    dependency_resolutions: z.array(Resolution).describe('One for each dependency, in the order of declaration.'),
    llm_tool_resolutions: z.array(Resolution).describe('At most 200.'),
    llm_provider_resolutions: z.array(Resolution),
    created_at: z.string(),
    updated_at: z.string(),
    resource_version: Version,
  })
  .meta({ id: 'Agent', description: 'A registered agent, in the form of the mesh registry.' })

/** A registration. Further fields are ignored, as in the original. */
export const AgentRegistrationShape = AgentShape.omit({
  status: true,
  last_heartbeat: true,
  last_seen: true,
  created_at: true,
  updated_at: true,
  total_dependencies: true,
  dependencies_resolved: true,
  dependency_resolutions: true,
  llm_tool_resolutions: true,
  llm_provider_resolutions: true,
})
  .partial()
  .extend({
    id: z.string(),
    description: z.string().optional(),
    version: z.string().optional(),
    tags: z.array(z.string()).optional(),
    capabilities: z.array(z.union([z.string(), AgentCapability.partial().required({ name: true })])).optional(),
    config: z.record(z.string(), z.unknown()).optional(),
    security_context: z.string().optional(),
    transport: z.array(z.string()).optional(),
    health_check: z
      .enum(['mcp', 'http', 'tcp', 'none'])
      .optional()
      .describe('Default: `http` with a `health_check_url`, else `none`.'),
    health_check_url: z.string().optional().describe('URL to probe.'),
    instance_id: z
      .string()
      .optional()
      .describe('The instance that holds the id; a registration by another gets 409 while its lease runs.'),
    takeover: z.boolean().optional().describe('Take the id over from another instance.'),
  })
  .meta({ id: 'AgentRegistration' })

export const MetadataRegistrationShape = z
  .looseObject({ agent_id: z.string(), metadata: AgentRegistrationShape.partial(), timestamp: z.string().optional() })
  .meta({ id: 'RegistrationWithMetadata' })

export const HeartbeatShape = z
  .looseObject({
    agent_id: z.string(),
    status: z
      .string()
      .optional()
      .describe('`degraded`, `unhealthy` and `offline` are kept as said; every other status means healthy.'),
    metadata: z.record(z.string(), z.unknown()).optional().describe('A new `endpoint` changes that of the agent.'),
    timestamp: z.string().optional(),
    ...toolFields,
  })
  .meta({ id: 'Heartbeat' })

export const ToolCallShape = z
  .looseObject({
    registration_data: AgentRegistrationShape.optional(),
    agent_id: z.string().optional(),
    query: z
      .looseObject({})
      .optional()
      .describe('Of `discover_services`: `capabilities`, `labels`, `namespace`, `status`, …; also beside it.'),
    include_servers: z
      .boolean()
      .optional()
      .describe('Of `discover_services`: whether to find servers that are not agents too.'),
  })
  .meta({ id: 'ToolCall', description: 'The arguments of the tool.' })

export const AgentListShape = z
  .looseObject({ agents: z.array(AgentShape), count: z.int(), timestamp: z.string() })
  .meta({ id: 'AgentList' })

export const CapabilityListShape = z
  .looseObject({ capabilities: z.array(AgentCapability), count: z.int(), timestamp: z.string() })
  .meta({ id: 'CapabilityList' })

const ResolvedDependency = z
  .object({
    agent_id: z.string(),
    capability: z.string(),
    function_name: z.string(),
    endpoint: z.string(),
    kwargs: z.looseObject({}).optional(),
    status: z.enum(['available', 'unavailable']).describe('`unavailable`: no provider; the other texts are empty.'),
  })
  .meta({ id: 'ResolvedDependency' })

export const RegistrationReceiptShape = z
  .looseObject({
    status: z.literal('success'),
    agent_id: z.string(),
    resource_version: Version,
    timestamp: z.string(),
    message: z.string(),
    dependencies_resolved: z
      .record(
        z.string(),
        z.union([
          z.array(ResolvedDependency),
          z.object({ agent_id: z.string(), endpoint: z.string(), status: z.string() }).nullable(),
        ]),
      )
      .optional()
      .describe(
        'For an agent with `tools`, by function: the provider of each dependency, in the order of declaration. For any other, by capability: its provider; null without a healthy one.',
      ),
    llm_tools: z
      .record(z.string(), z.array(z.looseObject({})))
      .optional()
      .describe('By function with an `llm_filter`: the tools that it selects.'),
    llm_providers: z
      .record(z.string(), z.looseObject({}))
      .optional()
      .describe('By function with an `llm_provider`: the provider; absent without one.'),
    warnings: z
      .array(z.string())
      .optional()
      .describe('What the answer leaves out: it holds at most 1,000 tools and 2 MiB of them.'),
    shadowed_by: z
      .object({ source: z.string(), origin: z.string() })
      .optional()
      .describe('The definition of higher precedence that `/servers` shows under the name of the agent.'),
  })
  .meta({ id: 'AgentTold' })

export const AgentHealthShape = z
  .looseObject({ agent_id: z.string(), status: z.string(), is_expired: z.boolean(), message: z.string() })
  .meta({ id: 'AgentHealth' })

export const AgentStatusShape = z
  .looseObject({
    agent_id: z.string(),
    status: z.string(),
    since: z.string().nullable().describe('Null where another definition shadows the agent.'),
    reason: z.string().optional(),
    self_reported_status: z.string().nullable().describe('Of the last heartbeat; null before the first.'),
    last_heartbeat: z.string().nullable(),
    next_heartbeat_expected: z.string().nullable(),
    time_since_heartbeat: z.number().nullable().describe('Seconds.'),
    lease: z.object({
      health_interval: z.number(),
      timeout_threshold: z.number(),
      eviction_threshold: z.number(),
    }),
    capabilities: z.array(
      z.object({
        name: z.string(),
        function_name: z.string(),
        available: z.boolean(),
        unavailable_reason: z.string().optional(),
      }),
    ),
    resource_version: Version,
  })
  .meta({ id: 'AgentStatus' })
