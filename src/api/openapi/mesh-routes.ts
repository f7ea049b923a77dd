import * as z from 'zod'
import type { QueryDoc, RouteDoc } from './route-table.ts'
import { Anything } from './schemas.ts'

const Version = z
  .string()
  .describe('Opaque; send it as `If-Match` or `resource_version` to change this and nothing newer.')

const AgentCapability = z
  .looseObject({
    name: z.string(),
    description: z.string().nullable(),
    version: z.string(),
    category: z.string().nullable(),
    stability: z.string(),
    tags: z.array(z.string()),
    parameters_schema: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'AgentCapability' })

const Agent = z
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
    last_heartbeat: z.string().nullable(),
    health_interval: z.number(),
    timeout_threshold: z.number(),
    eviction_threshold: z.number(),
    agent_type: z.string(),
    created_at: z.string(),
    updated_at: z.string(),
    resource_version: Version,
  })
  .meta({ id: 'Agent', description: 'An agent that registered itself, in the words of the mesh registry.' })

/** What registers an agent. Other fields are taken and ignored, as they always were. */
const AgentRegistration = Agent.omit({ status: true, last_heartbeat: true, created_at: true, updated_at: true })
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
      .describe(
        'Default: `http` where there is a `health_check_url`, else `none`: nobody is called who did not ask for it.',
      ),
    health_check_url: z.string().optional().describe('Where it wants to be probed.'),
    instance_id: z.string().optional().describe('Who holds the id: another one is a 409 while this one lives.'),
    takeover: z.boolean().optional().describe('Take the id from another instance.'),
  })
  .meta({ id: 'AgentRegistration' })

const RegistrationWithMetadata = z
  .looseObject({
    agent_id: z.string(),
    metadata: AgentRegistration.partial(),
    timestamp: z.string().optional(),
  })
  .meta({ id: 'RegistrationWithMetadata' })

const Heartbeat = z
  .looseObject({
    agent_id: z.string(),
    status: z
      .string()
      .optional()
      .describe('`degraded` is believed, and `unhealthy` taken for it; all else is healthy.'),
    metadata: z.record(z.string(), z.unknown()).optional().describe('`endpoint` in it moves the agent.'),
    timestamp: z.string().optional(),
  })
  .meta({ id: 'Heartbeat' })

const ToolCall = z
  .looseObject({
    registration_data: AgentRegistration.optional(),
    agent_id: z.string().optional(),
    query: z.looseObject({}).optional(),
  })
  .meta({ id: 'ToolCall', description: 'What the tool takes.' })

const AgentList = z
  .looseObject({ agents: z.array(Agent), count: z.int(), timestamp: z.string() })
  .meta({ id: 'AgentList' })

const CapabilityList = z
  .looseObject({ capabilities: z.array(AgentCapability), count: z.int(), timestamp: z.string() })
  .meta({ id: 'CapabilityList' })

const Told = z
  .looseObject({
    status: z.literal('success'),
    agent_id: z.string(),
    resource_version: Version,
    timestamp: z.string(),
    message: z.string(),
    dependencies_resolved: z
      .record(z.string(), z.object({ agent_id: z.string(), endpoint: z.string(), status: z.string() }).nullable())
      .optional()
      .describe('Who provides what the agent depends on; null: nobody healthy does.'),
  })
  .meta({ id: 'AgentTold' })

const Health = z
  .looseObject({ agent_id: z.string(), status: z.string(), is_expired: z.boolean(), message: z.string() })
  .meta({ id: 'AgentHealth' })

const unknown = { 404: 'No such agent is registered.' }
const noAgents = {
  404: 'This registry takes no agents: its config lists sources, and none of them is of type `agents`.',
}
const notYet = { 503: 'Not ready, or the database does not answer; `Retry-After` says when to come back.' }
const writing = {
  400: 'What was sent cannot be taken; the answer names the field.',
  409: 'Another instance holds the id, or it has another version; `current` is what is there.',
  429: 'There are as many agents as there may be, or as the token may hold.',
  ...noAgents,
  ...notYet,
}

const doc = (fields: Omit<RouteDoc, 'group'>): RouteDoc => ({ group: 'agents', ...fields })
const write = (summary: string, body: z.ZodType, more: Pick<RouteDoc, 'also' | 'statuses'> = {}): RouteDoc =>
  doc({ summary, body, answer: Told, ...more, statuses: { ...writing, ...more.statuses }, needs: 'registrar' })

const register = write('Register an agent, or refresh it, by its AgentRegistration', AgentRegistration)
const beat = write('A heartbeat; one that carries a whole registration registers', Heartbeat, {
  statuses: unknown,
})

const ofAgents = [
  'namespace',
  'status',
  'capability',
  { name: 'capabilities', description: 'Only agents that have all of these, separated by commas.' },
  'capability_category',
  'capability_stability',
  'capability_tags',
  'label_selector',
  'version_constraint',
  'fuzzy_match',
]
const flag = { type: 'boolean' }
const ofCapabilities: readonly (string | QueryDoc)[] = [
  { name: 'name', description: 'Only capabilities whose name contains this, in capitals or not. `*`: any.' },
  { name: 'exact', description: 'Whether the name must be this from end to end.', schema: flag },
  { name: 'fuzzy_match', description: 'Whether `name` also finds what is spelled nearly so.', schema: flag },
  { name: 'description_contains', description: 'Only those whose description, if they have one, contains this.' },
  { name: 'category', description: 'Only capabilities of this category.' },
  { name: 'stability', description: 'Only capabilities this stable.' },
  { name: 'tags', description: 'Only capabilities with one of these tags, separated by commas.' },
  { name: 'version_constraint', description: 'Only capabilities whose version is in this range.' },
  { name: 'include_deprecated', description: 'Whether deprecated ones are shown too.', schema: flag },
  { name: 'agent_id', description: 'Only those of this agent, whatever its status unless `agent_status` is given.' },
  { name: 'agent_namespace', description: 'Only those of servers of this namespace.' },
  { name: 'agent_status', description: 'Only those of servers in one of these states. Default: `healthy`.' },
]
const watching = ['watch', 'index', 'wait', 'resource_version']
const wrongParameter = { 400: 'A parameter is wrong; the answer names it.' }
const lostPoll = { 410: 'What a long poll asked for cannot be resumed.' }

const mesh: Record<string, RouteDoc> = {
  'POST /agents/register_with_metadata': write(
    'Register an agent, or refresh it, by `{agent_id, metadata}`',
    RegistrationWithMetadata,
    { also: { 201: 'It is registered.' } },
  ),
  'POST /agents': register,
  'POST /agents/register': register,
  'POST /heartbeat': beat,
  'POST /agents/heartbeat': beat,
  'HEAD /heartbeat/:id': doc({
    summary: 'A heartbeat without a body',
    answer: Anything,
    statuses: {
      202: 'Its dependencies have changed: a POST tells how.',
      410: 'No such agent is registered: register again.',
      503: notYet[503],
    },
    needs: 'registrar',
  }),
  'GET /agents': doc({
    summary: 'Agents, whatever their status',
    answer: AgentList,
    query: [...ofAgents, 'limit', 'continue', ...watching],
    statuses: { ...wrongParameter, ...noAgents, ...lostPoll, ...notYet },
  }),
  'GET /agents/watch': doc({
    summary: 'Every change of agents, as server-sent events: first who is there, then what changes',
    answer: 'text/event-stream',
    query: [...ofAgents, 'resource_version'],
    statuses: { ...wrongParameter, ...noAgents, ...notYet },
  }),
  'GET /agents/:id': doc({ summary: 'One agent', answer: Agent, statuses: { ...unknown, ...notYet } }),
  'DELETE /agents/:id': doc({
    summary: 'Unregister an agent',
    answer: Anything,
    statuses: { 204: 'It is gone.', ...unknown, 409: writing[409], ...notYet },
    needs: 'registrar',
  }),
  'GET /health/:id': doc({ summary: 'How an agent fares', answer: Health, statuses: { ...unknown, ...notYet } }),
  'GET /capabilities': doc({
    summary: 'Capabilities of agents and of all other servers',
    answer: CapabilityList,
    query: [...ofCapabilities, ...watching],
    statuses: { ...wrongParameter, ...unknown, ...lostPoll, ...notYet },
  }),
  'GET /capabilities/watch': doc({
    summary: 'Every change of capabilities, as server-sent events: first what is there, then what changes',
    answer: 'text/event-stream',
    query: [...ofCapabilities, 'resource_version'],
    statuses: { ...wrongParameter, ...notYet },
  }),
  'POST /mcp/tools/:tool': doc({
    summary: 'Call `register_agent`, `unregister_agent`, `discover_services`, `heartbeat` or `get_agent_status`',
    answer: Anything,
    body: ToolCall,
    statuses: { ...writing, ...unknown },
  }),
}

/** The routes of the mesh registry, each under `/api/v1` too. */
export const meshRoutes: Readonly<Record<string, RouteDoc>> = {
  ...mesh,
  ...Object.fromEntries(Object.entries(mesh).map(([key, one]) => [key.replace(' ', ' /api/v1'), one])),
}
