import type * as z from 'zod'
import { Anything } from '../common-schemas.ts'
import type { QueryDoc, RouteDoc } from '../route-doc.ts'
import { dependencyRoutes } from './dependency-routes.ts'
import {
  AgentHealthShape,
  AgentListShape,
  AgentRegistrationShape,
  AgentShape,
  AgentStatusShape,
  CapabilityListShape,
  HeartbeatShape,
  MetadataRegistrationShape,
  RegistrationReceiptShape,
  ToolCallShape,
} from './mesh-schemas.ts'
import { toolingRoutes } from './tooling-routes.ts'

const unknownAgent = { 404: 'No such agent.' }
const noAgents = { 404: 'Agents not accepted: no configured source has the type `agents`.' }
const notReady = { 503: 'Not ready, or store unavailable; retry after `Retry-After`.' }
const writeStatuses = {
  400: 'Invalid registration; `field` names the field.',
  409: 'Another instance holds the id, or the version is stale; `current` is the current agent.',
  429: 'Agent limit of the registry or of the token reached.',
  ...noAgents,
  ...notReady,
}

const doc = (fields: Omit<RouteDoc, 'group'>): RouteDoc => ({ group: 'agents', ...fields })
const write = (summary: string, body: z.ZodType, more: Pick<RouteDoc, 'sameResponse' | 'statuses'> = {}): RouteDoc =>
  doc({
    summary,
    body,
    response: RegistrationReceiptShape,
    ...more,
    statuses: { ...writeStatuses, ...more.statuses },
    role: 'registrar',
  })

const register = write('Register or refresh an agent by an AgentRegistration', AgentRegistrationShape)
const beat = write('Send a heartbeat; one with `tools`, `capabilities` or `agent_type` registers', HeartbeatShape, {
  statuses: unknownAgent,
})

const agentParameters = [
  'namespace',
  'status',
  'capability',
  { name: 'capabilities', description: 'Only agents with all of these capabilities, separated by commas.' },
  'capability_category',
  'capability_stability',
  'capability_tags',
  'label_selector',
  'version_constraint',
  'fuzzy_match',
]
const flag = { type: 'boolean' }
const capabilityParameters: readonly (string | QueryDoc)[] = [
  { name: 'name', description: 'Only capabilities whose name contains this text, case-insensitively. `*`: any.' },
  { name: 'exact', description: 'Whether the name must equal `name`.', schema: flag },
  { name: 'fuzzy_match', description: 'Whether `name` also matches similar spellings.', schema: flag },
  {
    name: 'description_contains',
    description: 'Only capabilities without a description, or whose description contains this text.',
  },
  { name: 'category', description: 'Only capabilities of this category.' },
  { name: 'stability', description: 'Only capabilities of this stability.' },
  { name: 'tags', description: 'Only capabilities with one of these tags, separated by commas.' },
  { name: 'version_constraint', description: 'Only capabilities whose version satisfies this range.' },
  { name: 'include_deprecated', description: 'Whether to include deprecated capabilities.', schema: flag },
  { name: 'agent_id', description: 'Only capabilities of this agent, of any status unless `agent_status` is given.' },
  { name: 'agent_namespace', description: 'Only capabilities of servers of this namespace.' },
  { name: 'agent_status', description: 'Only capabilities of servers with one of these statuses. Default: `healthy`.' },
]
const watchParameters = ['watch', 'index', 'wait', 'resource_version']
const invalidParameter = { 400: 'Invalid parameter; `parameter` names it.' }
const expiredIndex = { 410: 'The index of a long poll cannot be resumed.' }

const mesh: Record<string, RouteDoc> = {
  'POST /agents/register_with_metadata': write(
    'Register or refresh an agent by `{agent_id, metadata}`',
    MetadataRegistrationShape,
    { sameResponse: { 201: 'Registered.' } },
  ),
  'POST /agents': register,
  'POST /agents/register': register,
  'POST /heartbeat': beat,
  'POST /agents/heartbeat': beat,
  'HEAD /heartbeat/:id': doc({
    summary: 'Send a heartbeat without a body',
    response: Anything,
    statuses: {
      202: 'The dependencies have changed; a POST heartbeat returns them.',
      410: 'No such agent, or its lease has lapsed; register again.',
      503: notReady[503],
    },
    role: 'registrar',
    routedBy: 'GET /heartbeat/:id',
  }),
  'GET /agents': doc({
    summary: 'List agents of any status',
    response: AgentListShape,
    query: [...agentParameters, 'limit', 'continue', ...watchParameters],
    statuses: { ...invalidParameter, ...noAgents, ...expiredIndex, ...notReady },
  }),
  'GET /agents/watch': doc({
    summary: 'Watch agents as server-sent events: every agent, then each change',
    response: 'text/event-stream',
    query: [...agentParameters, 'resource_version'],
    statuses: { ...invalidParameter, ...noAgents, ...notReady },
    routedBy: 'GET /agents/:id',
  }),
  'GET /agents/:id': doc({ summary: 'Get an agent', response: AgentShape, statuses: { ...unknownAgent, ...notReady } }),
  'GET /agents/:id/status': doc({
    summary: 'Get the status of an agent: reason, lease and availability of its functions, without its definition',
    response: AgentStatusShape,
    statuses: { ...unknownAgent, ...notReady },
  }),
  'DELETE /agents/:id': doc({
    summary: 'Unregister an agent',
    response: Anything,
    query: ['dry_run'],
    statuses: {
      204: 'Unregistered, or no such agent.',
      404: 'No such agent, with `If-Match` only.',
      409: writeStatuses[409],
      ...notReady,
    },
    role: 'registrar',
  }),
  'GET /health/:id': doc({
    summary: 'Get the health of an agent',
    response: AgentHealthShape,
    statuses: { ...unknownAgent, ...notReady },
  }),
  'GET /capabilities': doc({
    summary: 'List capabilities of agents and other servers',
    response: CapabilityListShape,
    query: [...capabilityParameters, ...watchParameters],
    statuses: { ...invalidParameter, ...unknownAgent, ...expiredIndex, ...notReady },
  }),
  'GET /capabilities/watch': doc({
    summary: 'Watch capabilities as server-sent events: every capability, then each change',
    response: 'text/event-stream',
    query: [...capabilityParameters, 'resource_version'],
    statuses: { ...invalidParameter, ...notReady },
  }),
  'POST /mcp/tools/:tool': doc({
    summary: 'Call `register_agent`, `unregister_agent`, `discover_services`, `heartbeat` or `get_agent_status`',
    response: Anything,
    body: ToolCallShape,
    statuses: { ...writeStatuses, ...unknownAgent },
  }),
  ...dependencyRoutes(agentParameters),
  ...toolingRoutes,
}

/** The routes of the mesh registry, each also under `/api/v1`. */
export const meshRoutes: Readonly<Record<string, RouteDoc>> = {
  ...mesh,
  ...Object.fromEntries(Object.entries(mesh).map(([key, one]) => [key.replace(' ', ' /api/v1'), one])),
}
