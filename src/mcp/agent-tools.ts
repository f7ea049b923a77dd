import type { McpServer } from '@modelcontextprotocol/server'
import { resultMembers } from '../agents/mesh-operations.ts'
import { parseHeartbeat, parseRegistrationBody } from '../agents/parsing/bodies.ts'
import { parseCapabilityQuery, toParameters } from '../agents/queries/query-parameters.ts'
import { healthView } from '../agents/queries/status-views.ts'
import { heartbeatPayloadView } from '../agents/queries/views.ts'
import type { Principal } from '../model/principal.ts'
import { agentToolSchemas as schemas, type CapabilityPageInput, defaultAgentLimit } from './agent-tool-schemas.ts'
import type { McpPorts } from './ports.ts'
import type { ToolRunner } from './tool-result.ts'

const readOnly = { readOnlyHint: true, idempotentHint: true, openWorldHint: false }
const writing = { readOnlyHint: false, destructiveHint: false, idempotentHint: true, openWorldHint: false }

/** Registers the tools of the mesh; they behave like its HTTP routes. */
export function registerAgentTools(
  server: McpServer,
  { mesh }: McpPorts,
  { principal, run: { read, write } }: { principal: Principal; run: ToolRunner },
): void {
  server.registerTool(
    'register_agent',
    {
      title: 'Register an agent',
      description:
        'Registers an agent or changes its registration. It is healthy from its first heartbeat on. Needs the role "registrar".',
      inputSchema: schemas.register[0],
      outputSchema: schemas.register[1],
      annotations: writing,
    },
    ({ registration_data }) => write(() => register(registration_data)),
  )
  server.registerTool(
    'unregister_agent',
    {
      title: 'Unregister an agent',
      description: 'Removes an agent. Needs the role "registrar" and ownership of the registration.',
      inputSchema: schemas.unregister[0],
      outputSchema: schemas.unregister[1],
      annotations: { ...writing, destructiveHint: true },
    },
    ({ agent_id }) =>
      write(async () => {
        await mesh.unregister(agent_id, { principal })
        return { status: 'success', message: `Agent ${agent_id} unregistered successfully` }
      }),
  )
  server.registerTool(
    'discover_services',
    {
      title: 'Discover agents',
      description: `Finds agents by capabilities, labels, namespace and status, and with \`include_servers\` other servers too; at most ${defaultAgentLimit} by default (\`limit\`).`,
      inputSchema: schemas.discover[0],
      outputSchema: schemas.discover[1],
      annotations: readOnly,
    },
    (fields) => read(() => mesh.discover(fields, { defaultLimit: defaultAgentLimit })),
  )
  server.registerTool(
    'heartbeat',
    {
      title: 'Send a heartbeat',
      description: 'Renews the lease of a registered agent. Needs the role "registrar".',
      inputSchema: schemas.heartbeat[0],
      outputSchema: schemas.heartbeat[1],
      annotations: writing,
    },
    (payload) => write(() => heartbeat(payload)),
  )
  server.registerTool(
    'get_agent_status',
    {
      title: 'Get the status of an agent',
      description: 'Returns one agent with its health and the time since its last heartbeat.',
      inputSchema: schemas.status[0],
      outputSchema: schemas.status[1],
      annotations: readOnly,
    },
    ({ agent_id }) => read(() => status(agent_id)),
  )
  server.registerTool(
    'list_capabilities',
    {
      title: 'List capabilities',
      description: 'Finds capabilities of servers and agents, declared or introspected, with the server that has them.',
      inputSchema: schemas.capabilities[0],
      outputSchema: schemas.capabilities[1],
      annotations: readOnly,
    },
    ({ limit, ...filter }) => read(() => capabilities(filter, limit)),
  )

  async function register(registration: Record<string, unknown>): Promise<object> {
    const result = await mesh.register(parseRegistrationBody(registration), {
      principal,
      countsAsHeartbeat: false,
    })
    const { agent } = result
    return {
      status: 'success',
      agent_id: agent.id,
      resource_version: agent.stored.resource_version,
      message: `Agent ${agent.spec.name} registered successfully`,
      ...resultMembers(result),
    }
  }

  async function heartbeat(payload: object): Promise<object> {
    const result = await mesh.heartbeat(parseHeartbeat(payload), principal)
    return {
      status: 'success',
      message: 'Heartbeat recorded',
      timestamp: new Date().toISOString(),
      ...resultMembers(result),
    }
  }

  function status(id: string): object {
    const agent = mesh.get(id)
    const view = { ...mesh.agentView(agent), ...heartbeatPayloadView(mesh.heartbeatPayload(id)) }
    return { status: 'success', agent: view, health: healthView(agent, Date.now()) }
  }

  function capabilities(filter: Record<string, unknown>, limit: number): CapabilityPageInput {
    const matches = mesh.capabilities(parseCapabilityQuery(toParameters(filter)))
    const all = matches.flatMap(({ server, capabilities }) =>
      capabilities.map((capability) => ({ server, capability })),
    )
    const views = all.slice(0, limit).map(({ server, capability }) => ({
      ...mesh.capabilityView(server, capability),
      name: capability.name,
    }))
    return { capabilities: views, count: views.length, total: all.length }
  }
}
