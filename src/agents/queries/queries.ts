import type { ServerId } from '../../model/names.ts'
import type { Server } from '../../model/server.ts'
import { type Agent, serverIdOf } from '../agent.ts'
import { type AgentConflict, UnknownAgent } from '../errors.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'
import type { Registrar } from '../registrar.ts'
import type { ResolutionPort } from '../resolution/resolution-port.ts'
import { createAgentCounts } from './agent-counts.ts'
import { createAgentViews } from './agent-views.ts'
import { findCapabilities, nameMatcher, ownedCapabilityView } from './capabilities.ts'
import { createDiscovery } from './discovery.ts'
import { createMeshDocuments } from './mesh-documents.ts'
import type { CapabilityQuery } from './query-parameters.ts'
import { type AgentPage, type AgentQuery, createAgentSearch, shadowedServer } from './search.ts'
import { agentStatusView } from './status-views.ts'
import { type AgentMatch, heartbeatPayloadView, lastHeartbeat, loadIn } from './views.ts'

/** Queries for agents, and for the capabilities of agents and all other servers. */
export function createQueries({
  agents,
  registry,
  resolutions,
  source,
  assertReady,
}: {
  agents: Registrar
  registry: MeshRegistry
  resolutions: ResolutionPort
  /** Name of the source of agents; undefined where the config has none. */
  source: () => string | undefined
  /** Throws where the registry accepts no agents, or does not show them yet. */
  assertReady: () => void
}) {
  const { find, shadowedServers, shadowedVersion, close } = createAgentSearch({
    registry,
    source,
    agentOf: agents.peek,
  })
  const { unavailableReasons, ...views } = createAgentViews({
    resolutions,
    version: () => `${registry.token()};${resolutions.version()};${shadowedVersion()}`,
  })
  const documents = createMeshDocuments({ agents: agents.list, token: registry.token })

  /** One agent; throws `UnknownAgent`. */
  function requireAgent(id: string): Agent {
    assertReady()
    const agent = agents.get(id)
    if (!agent) throw new UnknownAgent(id)
    return agent
  }

  /** Other servers are known even if the registry accepts no agents. */
  function findReady(query: AgentQuery, options: { readonly includesServers: boolean }): AgentPage {
    if (source() !== undefined || !options.includesServers) assertReady()
    return find(query, options)
  }

  function matchOf(agent: Agent): AgentMatch {
    const server = registry.get(serverIdOf(agent))?.server
    if (!server) return { agent }
    return isAgent({ server }) && server.name === agent.id ? { agent, server } : { agent, winner: server }
  }

  /** Capabilities of agents and of all other servers. */
  function capabilities(query: CapabilityQuery) {
    // The capabilities of other servers are known even if the registry accepts no agents.
    if (source() !== undefined || query.agent_id !== undefined) assertReady()
    return findCapabilities(query, query.agent_id === undefined ? allServers(query) : oneServer(query.agent_id, query))
  }

  function allServers(query: CapabilityQuery): readonly Server[] {
    const { page } = registry.select(query.query, nameMatcher(query))
    return [...page.map(({ server }) => server), ...shadowedServers(query.query)]
  }

  /** The server of `agent_id`, if it matches: an agent's id, or the whole id of any other server. */
  function oneServer(id: string, { query }: CapabilityQuery): readonly Server[] {
    const agent = agents.get(id)
    const { server, winner } = agent ? matchOf(agent) : { server: registry.get(id)?.server }
    const visible = agent && winner ? shadowedServer(agent, winner) : server
    if (!visible) throw new UnknownAgent(id)
    const { status, namespace } = visible
    const matches =
      (query.status.length === 0 || query.status.includes(status)) &&
      (query.namespace.length === 0 || query.namespace.includes(namespace))
    return matches ? [visible] : []
  }

  function agentOfServer(id: ServerId): Agent | undefined {
    const registered = registry.get(id)
    return registered && isAgent(registered) ? agents.peek(registered.server.name) : undefined
  }

  return {
    requireAgent,
    /** One agent with its server; throws `UnknownAgent`. */
    get: (id: string): AgentMatch => matchOf(requireAgent(id)),
    /** The present view of the agent of a conflict. */
    current: ({ current }: AgentConflict): Record<string, unknown> | undefined =>
      current && views.agentView(matchOf(current)),
    ...views,
    /** The status of one agent apart from its definition; throws `UnknownAgent`. */
    status: (id: string, now: number): object => {
      const match = matchOf(requireAgent(id))
      return agentStatusView(match, unavailableReasons(match), now)
    },
    heartbeatPayload: agents.heartbeatPayload,
    /** Agents of any status whose endpoint passes the test. */
    withEndpoint: (matches: (endpoint: string) => boolean): readonly AgentMatch[] => {
      assertReady()
      return agents.list().flatMap((agent) => (matches(agent.spec.endpoint) ? [matchOf(agent)] : []))
    },
    find: (query: AgentQuery): AgentPage => (assertReady(), find(query)),
    /** The result of `discover_services`. */
    discover: createDiscovery({ find: findReady, agentView: views.agentView }),
    capabilities,
    capabilityView: (server: Server, capability: Server['capabilities'][number]) =>
      ownedCapabilityView({ server }, capability, agents.peek),
    schemas: () => (assertReady(), documents.schemas()),
    surfaces: () => (assertReady(), documents.surfaces()),
    token: registry.token,
    /** The fields of an agent's server that change with heartbeats; undefined for any other server. */
    volatileFields: (id: ServerId): Record<string, unknown> | undefined => {
      const agent = agentOfServer(id)
      return (
        agent && { last_heartbeat: lastHeartbeat(agent), ...heartbeatPayloadView(agents.heartbeatPayload(agent.id)) }
      )
    },
    /** The load in an agent's last heartbeat; undefined for any other server, and where it sent none. */
    loadOf: (id: ServerId): number | undefined => {
      const agent = agentOfServer(id)
      return agent && loadIn(agents.heartbeatPayload(agent.id))
    },
    /** Changes whenever `volatileFields` does; 0 for a server that is not an agent's. */
    volatileVersion: (id: ServerId): number => agentOfServer(id)?.lease.version ?? 0,
    agentCounts: createAgentCounts({ agents: agents.list, registry }),
    close,
  }
}
