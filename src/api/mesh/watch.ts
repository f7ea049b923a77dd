import type { Agent } from '../../agents/agent.ts'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { isAgent } from '../../agents/mesh-registry.ts'
import { ownedCapabilityView, capabilityFilter } from '../../agents/queries/capabilities.ts'
import { type CapabilityQuery, parseAgentQuery, parseCapabilityQuery } from '../../agents/queries/query-parameters.ts'
import type { AgentQuery } from '../../agents/queries/search.ts'
import { versionedAgentView } from '../../agents/queries/views.ts'
import type { RegisteredServer } from '../../model/change.ts'
import { hasCapability, matching, matchingCapability, type Predicate } from '../../model/query/matching.ts'
import { canonicalFilter } from '../../model/query/query.ts'
import type { Registry } from '../../registry/registry.ts'
import { type EncodeJson, transition, type WatchEventType, type WatchSelection } from '../watch/watch-selection.ts'
import type { WatchedPath } from '../watch/watch.ts'
import { meshProblem } from './problems.ts'

type AgentOf = (registered: RegisteredServer) => Agent | undefined

/** What a watch of `/agents` and one of `/capabilities` select. */
export function watchedMeshPaths({
  mesh,
  registry,
  peek,
  source,
}: {
  mesh: Pick<MeshOperations, 'assertReady' | 'current'>
  registry: Pick<Registry, 'select' | 'subscribe'>
  /** The current agent of an id. */
  peek: (id: string) => Agent | undefined
  /** Name of the source of agents. */
  source: () => string | undefined
}): { readonly agents: WatchedPath; readonly capabilities: WatchedPath } {
  const agentOf = rememberAgents({ registry, peek })

  /** Throws the same problems as the list of the path. */
  const watched = (path: string, select: WatchedPath['select']): WatchedPath => ({
    path,
    strict: false,
    hasFields: false,
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
      selectAgents(parseAgentQuery(parameters), { registry, agentOf, source: source() }),
    ),
    capabilities: watched('/capabilities', (parameters) =>
      selectCapabilities(parseCapabilityQuery(parameters), { registry, agentOf }),
    ),
  }
}

/**
 * Remembers the agent of each server as it entered the registry: when an event is written, the agent may have changed or
 * gone.
 */
function rememberAgents({
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

/** The agents of a query, without those that are shadowed by another source. */
function selectAgents(
  { query, moreCapabilities }: AgentQuery,
  { registry, agentOf, source }: { registry: Pick<Registry, 'select'>; agentOf: AgentOf; source: string | undefined },
): WatchSelection {
  const filter = { ...query, source: [source ?? []].flat(), limit: undefined, continue: undefined }
  const matches = matching(filter)
  const suits = moreCapabilities
    .flatMap((capability) => matchingCapability({ ...query, capability: [capability] }) ?? [])
    .map(hasCapability)
  const holds: Predicate = (server) => isAgent({ server }) && matches(server) && suits.every((has) => has(server))
  const json =
    (registered: RegisteredServer): EncodeJson =>
    () =>
      Buffer.from(JSON.stringify(versionedView(registered, agentOf(registered))))
  return {
    key: `agents ${canonicalFilter(filter)} ${moreCapabilities.join()}`,
    noun: 'agent',
    events(change) {
      const event = transition(change, holds)
      return event ? [{ type: event.type, json: json(event.registered) }] : []
    },
    snapshot: () =>
      registry
        .select(filter)
        .page.filter(({ server }) => holds(server))
        .map(json),
  }
}

/** The agent without its volatile fields, which have no revision. */
function versionedView({ server }: RegisteredServer, agent: Agent | undefined): object {
  if (!agent) return { id: server.name, name: server.title ?? server.name, namespace: server.namespace }
  return versionedAgentView({ agent, server })
}

/** The capabilities of a query; each is an item of its own. */
function selectCapabilities(
  capabilityQuery: CapabilityQuery,
  { registry, agentOf }: { registry: Pick<Registry, 'select'>; agentOf: AgentOf },
): WatchSelection {
  const { query, agent_id, ...rest } = capabilityQuery
  const matches = matching(query)
  const suits = capabilityFilter(capabilityQuery)
  const hasAgent = (registered: RegisteredServer) =>
    agent_id === undefined ||
    registered.server.id === agent_id ||
    (isAgent(registered) && registered.server.name === agent_id)

  /** The selected capabilities of one server as JSON, by a key that is unique within the server. */
  function capabilitiesOf(registered: RegisteredServer | undefined): ReadonlyMap<string, string> {
    const views = new Map<string, string>()
    if (!registered || !hasAgent(registered) || !matches(registered.server)) return views
    for (const capability of registered.server.capabilities.filter(suits)) {
      const key = `${capability.kind} ${capability.name}`
      const view = ownedCapabilityView(registered, capability, () => agentOf(registered))
      views.set(views.has(key) ? `${key} ${views.size}` : key, JSON.stringify(view))
    }
    return views
  }

  return {
    key: `capabilities ${canonicalFilter(query)} ${JSON.stringify([agent_id, rest])}`,
    noun: 'capability',
    events({ now, before }) {
      const [was, is] = [capabilitiesOf(before), capabilitiesOf(now)]
      const removed = was.keys().filter((key) => !is.has(key))
      const changed = is.keys().filter((key) => was.get(key) !== is.get(key))
      return [
        ...removed.map((key) => eventOf('DELETED', was.get(key))),
        ...changed.map((key) => eventOf(was.has(key) ? 'MODIFIED' : 'ADDED', is.get(key))),
      ]
    },
    snapshot: () =>
      registry.select(query).page.flatMap((registered) => [...capabilitiesOf(registered).values()].map(asJson)),
  }
}

const asJson =
  (text = ''): EncodeJson =>
  () =>
    Buffer.from(text)

const eventOf = (type: WatchEventType, text: string | undefined) => ({ type, json: asJson(text) })
