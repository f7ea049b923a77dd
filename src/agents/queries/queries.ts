import type { ServerId } from '../../model/names.ts'
import type { Server } from '../../model/server.ts'
import { type Agent, serverIdOf } from '../agent.ts'
import { type AgentConflict, UnknownAgent } from '../errors.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'
import type { Registrar } from '../registrar.ts'
import { createAgentCounts } from './agent-counts.ts'
import { ownedCapabilityView, findCapabilities, nameMatcher } from './capabilities.ts'
import type { CapabilityQuery } from './query-parameters.ts'
import { type AgentQuery, createAgentSearch, type AgentPage, shadowedServer } from './search.ts'
import { followShadowed } from './shadowed.ts'
import { type AgentMatch, lastHeartbeat, heartbeatPayloadView } from './views.ts'

/** What is asked of agents, and of what they and all other servers can do. */
export function createQueries({
  agents,
  registry,
  source,
  assertReady,
}: {
  agents: Registrar
  registry: MeshRegistry
  /** Name of the source of agents; undefined where the config has none. */
  source: () => string | undefined
  /** Throws where nothing can be said of agents, or nothing yet. */
  assertReady: () => void
}) {
  const shadowed = followShadowed({ registry, source })
  const { find, hidden } = createAgentSearch({ registry, source, agentOf: agents.peek, shadowed: shadowed.ids })

  /** One agent; throws `UnknownAgent`. */
  function known(id: string): Agent {
    assertReady()
    const agent = agents.get(id)
    if (!agent) throw new UnknownAgent(id)
    return agent
  }

  function found(agent: Agent): AgentMatch {
    const registered = registry.get(serverIdOf(agent))?.server
    if (!registered) return { agent }
    return isOwn(registered, agent) ? { agent, server: registered } : { agent, winner: registered }
  }

  return {
    known,
    /** One agent, and how it stands in the registry; throws `UnknownAgent`. */
    get: (id: string): AgentMatch => found(known(id)),
    /** The agent that a conflict speaks of, as it is. */
    current: ({ current }: AgentConflict): AgentMatch | undefined => current && found(current),
    heartbeatPayload: agents.heartbeatPayload,
    find: (query: AgentQuery): AgentPage => (assertReady(), find(query)),
    /** Capabilities of agents and of all other servers. */
    capabilities: (asked: CapabilityQuery) => {
      // What other servers can do is known even where no agents are taken.
      if (source() !== undefined || asked.agent_id !== undefined) assertReady()
      const { agent_id, query } = asked
      const all = () => [
        ...registry.select(query, nameMatcher(asked)).page.map(({ server }) => server),
        ...hidden(query),
      ]
      return findCapabilities(asked, agent_id === undefined ? all() : one(agent_id, asked))
    },
    capabilityView: (server: Server, capability: Server['capabilities'][number]) =>
      ownedCapabilityView({ server }, capability, agents.peek),
    token: registry.token,
    /** What moves with the heartbeats of the agent that a server is; undefined for one that is none. */
    volatileFields: (id: ServerId): Record<string, unknown> | undefined => {
      const agent = agentAt(id)
      return (
        agent && { last_heartbeat: lastHeartbeat(agent), ...heartbeatPayloadView(agents.heartbeatPayload(agent.id)) }
      )
    },
    /** Another number whenever `volatile` says something else; 0 for a server that is no agent. */
    volatileVersion: (id: ServerId): number => agentAt(id)?.lease.version ?? 0,
    /** How many agents there are of each kind. */
    agentCounts: createAgentCounts({ agents: agents.list, registry }),
    close: shadowed.close,
  }

  function agentAt(id: ServerId): Agent | undefined {
    const registered = registry.get(id)
    return registered && isAgent(registered) ? agents.peek(registered.server.name) : undefined
  }

  /** The one server that `agent_id` names: an agent, or any other by its whole id. */
  function one(id: string, { query }: CapabilityQuery) {
    const agent = agents.get(id)
    const { server, winner } = agent ? found(agent) : { server: registry.get(id)?.server }
    const shown = agent && winner ? shadowedServer(agent, winner) : server
    if (!shown) throw new UnknownAgent(id)
    const { status, namespace } = shown
    const suits =
      (query.status.length === 0 || query.status.includes(status)) && (query.namespace ?? namespace) === namespace
    return suits ? [shown] : []
  }
}

function isOwn({ discovery_method, name }: Server, agent: Agent): boolean {
  return discovery_method === 'registered' && name === agent.id
}
