import * as z from 'zod'
import { Stability } from '../model/capability.ts'
import { cacheJsonSchema } from './cached-json-schema.ts'

/** Agents or capabilities per result without `limit`. */
export const defaultAgentLimit = 100

const AgentId = z.string().min(1).max(253).describe('The id of the registration.')
const limit = z.int().min(1).max(10_000).default(defaultAgentLimit).describe('Maximum number of results.')

/** A registration. The mesh accepts more than this schema describes, and reports its own errors. */
const Registration = z.looseObject({
  id: z.string().describe('Unique over all namespaces; another registration with the same id replaces the first.'),
  name: z.string().optional(),
  namespace: z.string().optional(),
  description: z.string().optional(),
  version: z.string().optional(),
  endpoint: z.string().optional().describe('Address of the agent: an http(s) URL, or stdio://name.'),
  agent_type: z.string().optional(),
  capabilities: z
    .array(z.union([z.string(), z.looseObject({ name: z.string() })]))
    .optional()
    .describe('Names, or {name, description, version, category, stability, tags, input_schema}.'),
  labels: z.record(z.string(), z.unknown()).optional(),
  dependencies: z.array(z.string()).optional().describe('Names of capabilities that the agent needs.'),
  timeout_threshold: z
    .union([z.number(), z.string()])
    .optional()
    .describe('Seconds without a heartbeat until the agent is unhealthy.'),
  eviction_threshold: z
    .union([z.number(), z.string()])
    .optional()
    .describe('Seconds without a heartbeat until the agent is offline.'),
})

/** A value, or a list of which any matches. The mesh reports its own errors. */
const oneOrMore = z.union([z.array(z.string()), z.string()])

const agentQueryFields = {
  capabilities: z
    .union([z.array(z.string()), z.string()])
    .optional()
    .describe('The agent has all of these.'),
  labels: z.record(z.string(), z.string()).optional(),
  label_selector: z.string().optional().describe('A label selector in the grammar of Kubernetes.'),
  namespace: oneOrMore.optional().describe('Any of these.'),
  status: oneOrMore.optional().describe('Any of these; default `healthy`; empty for any.'),
  capability_category: z.string().optional(),
  capability_stability: Stability.optional(),
  capability_tags: z.array(z.string()).optional().describe('One capability has any of these.'),
  version_constraint: z.string().optional().describe('A semver range, such as ^1.2.'),
  fuzzy_match: z.boolean().optional(),
  limit: limit.unwrap().optional(),
  continue: z.string().optional().describe('Cursor of the next page, from the last result.'),
}

/** Other arguments pass here: `discover` rejects them, and names the right shape. */
const Discovery = z.looseObject({
  query: z.looseObject(agentQueryFields).optional().describe('Its fields may also stand beside it.'),
  ...agentQueryFields,
  include_servers: z
    .boolean()
    .optional()
    .describe('Whether `servers` returns the matching servers that are not registered agents. Default: false.'),
})

const CapabilityFilter = z.strictObject({
  name: oneOrMore.optional().describe('Part of the name, ignoring case; any of these.'),
  exact: z.boolean().optional().describe('Matches `name` as a whole.'),
  fuzzy_match: z.boolean().optional().describe('Also matches names spelled similarly to `name`.'),
  description_contains: z.string().optional(),
  category: z.string().optional(),
  stability: Stability.optional(),
  tags: z.array(z.string()).optional().describe('The capability has any of these.'),
  version_constraint: z.string().optional(),
  include_deprecated: z.boolean().optional(),
  agent_id: z.string().optional().describe('Of this agent, or of the server `namespace/name`.'),
  agent_namespace: oneOrMore.optional().describe('Any of these.'),
  agent_status: oneOrMore.optional().describe('Any of these; default `healthy`; empty for any.'),
  limit,
})

const Outcome = z.looseObject({ status: z.string(), message: z.string() })

const AgentPage = z.object({
  status: z.string(),
  agents: z.array(z.looseObject({})),
  servers: z
    .array(z.looseObject({}))
    .optional()
    .describe('With `include_servers`: servers that are not agents, in the form of GET /servers.'),
  count: z.int().describe('Agents and servers.'),
  continue: z.string().optional(),
  hint: z.string().optional().describe('What finds more, where nothing was found.'),
})

const CapabilityPage = z.object({
  capabilities: z.array(z.looseObject({ name: z.string() })),
  count: z.int(),
  total: z.int(),
})
export type CapabilityPageInput = z.input<typeof CapabilityPage>

/** Input and output of each tool, shared by the servers of all requests. */
export const agentToolSchemas = {
  register: [
    cacheJsonSchema(z.object({ registration_data: Registration })),
    cacheJsonSchema(Outcome.extend({ agent_id: z.string(), resource_version: z.string() })),
  ],
  unregister: [cacheJsonSchema(z.object({ agent_id: AgentId })), cacheJsonSchema(Outcome)],
  discover: [cacheJsonSchema(Discovery), cacheJsonSchema(AgentPage)],
  heartbeat: [
    cacheJsonSchema(
      z.object({
        agent_id: AgentId,
        status: z.enum(['healthy', 'degraded', 'unhealthy']).optional().describe('Status that the agent reports.'),
        metadata: z.record(z.string(), z.unknown()).optional(),
      }),
    ),
    cacheJsonSchema(Outcome.extend({ timestamp: z.string() })),
  ],
  status: [
    cacheJsonSchema(z.object({ agent_id: AgentId })),
    cacheJsonSchema(z.object({ status: z.string(), agent: z.looseObject({}), health: z.looseObject({}) })),
  ],
  capabilities: [cacheJsonSchema(CapabilityFilter), cacheJsonSchema(CapabilityPage)],
} as const
