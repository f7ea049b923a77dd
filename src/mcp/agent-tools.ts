import type { McpServer } from '@modelcontextprotocol/server'
import * as z from 'zod'
import { parseRegistrationBody, parseHeartbeat } from '../agents/parsing/bodies.ts'
import { toParameters, parseCapabilityQuery, parseDiscoveryQuery } from '../agents/queries/query-parameters.ts'
import { agentView, healthView, heartbeatPayloadView } from '../agents/queries/views.ts'
import { Stability } from '../model/capability.ts'
import { Namespace } from '../model/names.ts'
import type { Principal } from '../model/principal.ts'
import { cacheJsonSchema } from './cached-json-schema.ts'
import type { McpPorts } from './endpoint.ts'
import { runTool } from './tool-result.ts'

const usualPage = 100
const reading = { readOnlyHint: true, idempotentHint: true, openWorldHint: false }
const writing = { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false }

const Id = z.string().min(1).max(253).describe('The id it registered under.')
const limit = z.int().min(1).max(10_000).default(usualPage).describe('How many are shown at most.')

/** What an agent says of itself. The mesh takes more than this; what it cannot take it says itself. */
const Registration = z.looseObject({
  id: z.string().describe('Unique over all namespaces; a second registration under it replaces the first.'),
  name: z.string().optional(),
  namespace: z.string().optional(),
  description: z.string().optional(),
  version: z.string().optional(),
  endpoint: z.string().optional().describe('Where it is reached: an http(s) URL, or stdio://name.'),
  agent_type: z.string().optional(),
  capabilities: z
    .array(z.union([z.string(), z.looseObject({ name: z.string() })]))
    .optional()
    .describe('What it can do: names, or {name, description, version, category, stability, tags, input_schema}.'),
  labels: z.record(z.string(), z.unknown()).optional(),
  dependencies: z.array(z.string()).optional().describe('Names of capabilities it needs of others.'),
  timeout_threshold: z.union([z.number(), z.string()]).optional().describe('Seconds of silence until it is unhealthy.'),
  eviction_threshold: z.union([z.number(), z.string()]).optional().describe('Seconds of silence until it is offline.'),
})

const Discovery = z.looseObject({
  capabilities: z.array(z.string()).optional().describe('It has all of these.'),
  labels: z.record(z.string(), z.string()).optional(),
  namespace: Namespace.optional(),
  status: z.string().optional().describe('`healthy` unless said; empty for any.'),
  capability_category: z.string().optional(),
  capability_stability: Stability.optional(),
  capability_tags: z.array(z.string()).optional().describe('A capability with any of these.'),
  version_constraint: z.string().optional().describe('A range, such as ^1.2.'),
  fuzzy_match: z.boolean().optional(),
})

const Capabilities = z.strictObject({
  name: z.string().optional().describe('Part of its name, ignoring case.'),
  exact: z.boolean().optional().describe('`name` is the whole name.'),
  fuzzy_match: z.boolean().optional().describe('What is spelled nearly like `name` too.'),
  description_contains: z.string().optional(),
  category: z.string().optional(),
  stability: Stability.optional(),
  tags: z.array(z.string()).optional().describe('Any of these.'),
  version_constraint: z.string().optional(),
  include_deprecated: z.boolean().optional(),
  agent_id: z.string().optional().describe('Of this agent, or of the server `namespace/name`.'),
  agent_namespace: z.string().optional(),
  agent_status: z.string().optional().describe('`healthy` unless said; empty for any.'),
  limit,
})

const Done = z.looseObject({ status: z.string(), message: z.string() })
const Agents = z.object({
  status: z.string(),
  agents: z.array(z.looseObject({})),
  count: z.int(),
  continue: z.string().optional(),
})
const Listed = z.object({ capabilities: z.array(z.looseObject({ name: z.string() })), count: z.int(), total: z.int() })

/** What goes into each tool and what comes out; made once, since a server is made for every request. */
const schemas = {
  register: [
    cacheJsonSchema(z.object({ registration_data: Registration })),
    cacheJsonSchema(Done.extend({ agent_id: z.string(), resource_version: z.string() })),
  ],
  unregister: [cacheJsonSchema(z.object({ agent_id: Id })), cacheJsonSchema(Done)],
  discover: [cacheJsonSchema(z.object({ query: Discovery.default({}), limit })), cacheJsonSchema(Agents)],
  heartbeat: [
    cacheJsonSchema(
      z.object({
        agent_id: Id,
        status: z.enum(['healthy', 'degraded', 'unhealthy']).optional().describe('What it says of itself.'),
        metadata: z.record(z.string(), z.unknown()).optional(),
      }),
    ),
    cacheJsonSchema(Done.extend({ timestamp: z.string() })),
  ],
  status: [
    cacheJsonSchema(z.object({ agent_id: Id })),
    cacheJsonSchema(z.object({ status: z.string(), agent: z.looseObject({}), health: z.looseObject({}) })),
  ],
  capabilities: [cacheJsonSchema(Capabilities), cacheJsonSchema(Listed)],
} as const

/** The tools of the mesh: what agents do by its routes, as tools that ask the same functions. */
export function registerAgentTools(server: McpServer, { mesh, log }: McpPorts, caller: Principal): void {
  const result = (work: () => object | Promise<object>) => runTool(log, work)

  server.registerTool(
    'register_agent',
    {
      title: 'Register an agent',
      description:
        'Announces an agent, or changes what it said. It is healthy from its first heartbeat on. Needs the role "registrar".',
      inputSchema: schemas.register[0],
      outputSchema: schemas.register[1],
      annotations: writing,
    },
    ({ registration_data }) => result(() => register(registration_data)),
  )
  server.registerTool(
    'unregister_agent',
    {
      title: 'Unregister an agent',
      description: 'Forgets an agent. Needs the role "registrar", and to have registered it.',
      inputSchema: schemas.unregister[0],
      outputSchema: schemas.unregister[1],
      annotations: { ...writing, destructiveHint: true },
    },
    ({ agent_id }) =>
      result(async () => {
        await mesh.unregister(agent_id, { principal: caller })
        return { status: 'success', message: `Agent ${agent_id} unregistered successfully` }
      }),
  )
  server.registerTool(
    'discover_services',
    {
      title: 'Discover agents',
      description: `Finds agents by what they can do, their labels, namespace and status; ${usualPage} at most unless \`limit\` says otherwise.`,
      inputSchema: schemas.discover[0],
      outputSchema: schemas.discover[1],
      annotations: reading,
    },
    ({ query, limit: most }) => result(() => discover({ limit: most, ...query })),
  )
  server.registerTool(
    'heartbeat',
    {
      title: 'Send a heartbeat',
      description: 'Keeps a registered agent alive. Needs the role "registrar".',
      inputSchema: schemas.heartbeat[0],
      outputSchema: schemas.heartbeat[1],
      annotations: writing,
    },
    (beat) => result(() => hear(beat)),
  )
  server.registerTool(
    'get_agent_status',
    {
      title: 'Get the status of an agent',
      description: 'Shows one agent, and for how long it has been silent.',
      inputSchema: schemas.status[0],
      outputSchema: schemas.status[1],
      annotations: reading,
    },
    ({ agent_id }) =>
      result(() => {
        const found = mesh.get(agent_id)
        const agent = { ...agentView(found), ...heartbeatPayloadView(mesh.heartbeatPayload(agent_id)) }
        return { status: 'success', agent, health: healthView(found, Date.now()) }
      }),
  )
  server.registerTool(
    'list_capabilities',
    {
      title: 'List capabilities',
      description: 'Finds what servers and agents can do, declared or learned from them, with whose it is.',
      inputSchema: schemas.capabilities[0],
      outputSchema: schemas.capabilities[1],
      annotations: reading,
    },
    ({ limit: most, ...asked }) => result(() => capabilities(asked, most)),
  )

  async function register(registration: Record<string, unknown>): Promise<object> {
    const { agent, dependencies } = await mesh.register(parseRegistrationBody(registration), {
      principal: caller,
      countsAsHeartbeat: false,
    })
    return {
      status: 'success',
      agent_id: agent.id,
      resource_version: agent.stored.resource_version,
      message: `Agent ${agent.spec.name} registered successfully`,
      ...(dependencies && { dependencies_resolved: dependencies }),
    }
  }

  function discover(query: Record<string, unknown>): z.input<typeof Agents> {
    const { agents, next } = mesh.find(parseDiscoveryQuery(query))
    const shown = agents.map(agentView)
    return { status: 'success', agents: shown, count: shown.length, ...(next !== undefined && { continue: next }) }
  }

  async function hear(beat: object): Promise<object> {
    const { dependencies } = await mesh.heartbeat(parseHeartbeat(beat), caller)
    return {
      status: 'success',
      message: 'Heartbeat recorded',
      timestamp: new Date().toISOString(),
      ...(dependencies && { dependencies_resolved: dependencies }),
    }
  }

  function capabilities(asked: Record<string, unknown>, most: number): z.input<typeof Listed> {
    const found = mesh.capabilities(parseCapabilityQuery(toParameters(asked)))
    const all = found.flatMap((one) => one.capabilities.map((capability) => ({ ...one, capability })))
    const shown = all.slice(0, most).map(({ server: of, capability }) => ({
      ...mesh.capabilityView(of, capability),
      name: capability.name,
    }))
    return { capabilities: shown, count: shown.length, total: all.length }
  }
}
