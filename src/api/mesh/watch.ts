import type { Agent } from '../../agents/agent.ts'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { isAgent } from '../../agents/mesh-registry.ts'
import { ownedCapabilityView, capabilityFilter } from '../../agents/queries/capabilities.ts'
import { type CapabilityQuery, parseAgentQuery, parseCapabilityQuery } from '../../agents/queries/query-parameters.ts'
import type { AgentQuery } from '../../agents/queries/search.ts'
import { agentView } from '../../agents/queries/views.ts'
import type { RegisteredServer } from '../../model/change.ts'
import { hasCapability, matching, matchingCapability, type Predicate } from '../../model/query/matching.ts'
import { canonicalFilter } from '../../model/query/query.ts'
import type { Registry } from '../../registry/registry.ts'
import { type EncodeJson, transition, type WatchEventType, type WatchSelection } from '../watch/watch-selection.ts'
import type { Watched } from '../watch/watch.ts'
import { meshProblem } from './problems.ts'

type AgentOf = (registered: RegisteredServer) => Agent | undefined

/** Agents and capabilities, as they are watched at `/agents` and `/capabilities`. */
export function watchedMesh({
  mesh,
  registry,
  peek,
  source,
}: {
  mesh: Pick<MeshOperations, 'assertReady' | 'current'>
  registry: Pick<Registry, 'select' | 'subscribe'>
  /** The agent of an id, as it is now. */
  peek: (id: string) => Agent | undefined
  /** Name of the source of agents. */
  source: () => string | undefined
}): { readonly agents: Watched; readonly capabilities: Watched } {
  const agentOf = remembering({ registry, peek })

  /** What cannot be asked, or not yet, is refused as the list refuses it. */
  const watched = (path: string, select: Watched['select']): Watched => ({
    path,
    strict: false,
    select(parameters) {
      try {
        mesh.assertReady()
        return select(parameters)
      } catch (error) {
        throw meshProblem(error, mesh)
      }
    },
  })

  return {
    agents: watched('/agents', (parameters) =>
      agentsAsked(parseAgentQuery(parameters), { registry, agentOf, source: source() }),
    ),
    capabilities: watched('/capabilities', (parameters) =>
      capabilitiesAsked(parseCapabilityQuery(parameters), { registry, agentOf }),
    ),
  }
}

/**
 * Which agent a server was when it was in the registry: an event may be written when the agent is another already, or
 * gone.
 */
function remembering({
  registry,
  peek,
}: {
  registry: Pick<Registry, 'subscribe'>
  peek: (id: string) => Agent | undefined
}): AgentOf {
  const agents = new WeakMap<RegisteredServer, Agent>()
  registry.subscribe(({ changes }) => {
    for (const { now } of changes) {
      const agent = now && isAgent(now) ? peek(now.server.name) : undefined
      if (now && agent) agents.set(now, agent)
    }
  })
  return (registered) => agents.get(registered)
}

/** The agents that a query asks for; those that another source's definition hides have no changes of their own. */
function agentsAsked(
  { query, moreCapabilities }: AgentQuery,
  { registry, agentOf, source }: { registry: Pick<Registry, 'select'>; agentOf: AgentOf; source: string | undefined },
): WatchSelection {
  const asked = { ...query, source, limit: undefined, continue: undefined }
  const matches = matching(asked)
  const suits = moreCapabilities
    .flatMap((capability) => matchingCapability({ ...query, capability }) ?? [])
    .map(hasCapability)
  const holds: Predicate = (server) => isAgent({ server }) && matches(server) && suits.every((has) => has(server))
  const json =
    (registered: RegisteredServer): EncodeJson =>
    () =>
      Buffer.from(JSON.stringify(shown(registered, agentOf(registered))))
  return {
    key: `agents ${canonicalFilter(asked)} ${moreCapabilities.join()}`,
    noun: 'agent',
    events(change) {
      const event = transition(change, holds)
      return event ? [{ type: event.type, json: json(event.registered) }] : []
    },
    snapshot: () =>
      registry
        .select(asked)
        .page.filter(({ server }) => holds(server))
        .map(json),
  }
}

/** What moves with every heartbeat is in no event: no revision tells of it. */
function shown({ server }: RegisteredServer, agent: Agent | undefined): object {
  if (!agent) return { id: server.name, name: server.title ?? server.name, namespace: server.namespace }
  const { last_heartbeat: _last, config: _config, ...view } = agentView({ agent, server })
  return view
}

/** The capabilities that a query asks for, each a thing of its own. */
function capabilitiesAsked(
  asked: CapabilityQuery,
  { registry, agentOf }: { registry: Pick<Registry, 'select'>; agentOf: AgentOf },
): WatchSelection {
  const { query, agent_id, ...rest } = asked
  const matches = matching(query)
  const suits = capabilityFilter(asked)
  const isWhose = (registered: RegisteredServer) =>
    agent_id === undefined ||
    registered.server.id === agent_id ||
    (isAgent(registered) && registered.server.name === agent_id)

  /** Those of one server, by what tells them apart. */
  function of(registered: RegisteredServer | undefined): ReadonlyMap<string, string> {
    const found = new Map<string, string>()
    if (!registered || !isWhose(registered) || !matches(registered.server)) return found
    for (const capability of registered.server.capabilities.filter(suits)) {
      const key = `${capability.kind} ${capability.name}`
      const view = ownedCapabilityView(registered, capability, () => agentOf(registered))
      found.set(found.has(key) ? `${key} ${found.size}` : key, JSON.stringify(view))
    }
    return found
  }

  return {
    key: `capabilities ${canonicalFilter(query)} ${JSON.stringify([agent_id, rest])}`,
    noun: 'capability',
    events({ now, before }) {
      const [was, is] = [of(before), of(now)]
      const gone = was.keys().filter((key) => !is.has(key))
      const come = is.keys().filter((key) => was.get(key) !== is.get(key))
      return [
        ...gone.map((key) => told('DELETED', was.get(key))),
        ...come.map((key) => told(was.has(key) ? 'MODIFIED' : 'ADDED', is.get(key))),
      ]
    },
    snapshot: () => registry.select(query).page.flatMap((registered) => [...of(registered).values()].map(asJson)),
  }
}

const asJson =
  (text = ''): EncodeJson =>
  () =>
    Buffer.from(text)

const told = (type: WatchEventType, text: string | undefined) => ({ type, json: asJson(text) })
