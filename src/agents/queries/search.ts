import { hash } from 'node:crypto'
import { createChunkedQueue } from '../../flow/chunked-queue.ts'
import type { Change, RegisteredServer } from '../../model/change.ts'
import { parseCursor } from '../../model/query/cursor.ts'
import { hasCapability, matching, matchingCapability } from '../../model/query/matching.ts'
import type { ServerQuery } from '../../model/query/query.ts'
import type { Server } from '../../model/server.ts'
import type { Agent } from '../agent.ts'
import { ParameterProblem } from '../errors.ts'
import { isAgent, type MeshRegistry } from '../mesh-registry.ts'
import type { AgentMatch } from './views.ts'

/** A query for agents. */
export type AgentQuery = {
  readonly query: ServerQuery
  /** Capabilities that an agent must have beside `query.capability`. */
  readonly moreCapabilities: readonly string[]
  /** The cursor of the page before. */
  readonly cursor?: string | undefined
}

export type AgentPage = {
  readonly agents: readonly AgentMatch[]
  /** Matching servers that are not agents, where these are asked for. */
  readonly servers: readonly RegisteredServer[]
  readonly next?: string | undefined
}

/** Finds agents by the registry's indexes; shadowed agents are matched one by one, and come last. */
export function createAgentSearch({
  registry,
  source,
  agentOf,
}: {
  registry: Pick<MeshRegistry, 'get' | 'list' | 'select' | 'subscribe'>
  /** Name of the source of agents. */
  source: () => string | undefined
  agentOf: (id: string) => Agent | undefined
}) {
  const shadowedAgents = followShadowedAgents({ registry, source })

  function find({ query, moreCapabilities, cursor }: AgentQuery, { includesServers = false } = {}): AgentPage {
    const agentQuery = { ...query, source: includesServers ? [] : [source() ?? []].flat(), continue: cursor }
    const position = parseCursor(agentQuery)
    if (position && 'problem' in position) throw new ParameterProblem('continue', `continue: ${position.problem}`)
    const { page, next } = registry.select(agentQuery)
    const predicates = moreCapabilities
      .map((capability) => matchingCapability({ ...query, capability: [capability] }))
      .map((matches) => matches && hasCapability(matches))
    const hasAll = (server: Server) => predicates.every((has) => !has || has(server))
    const agents = page.flatMap(({ server }): AgentMatch[] => {
      const agent = isAgent({ server }) && hasAll(server) ? agentOf(server.name) : undefined
      return agent ? [{ agent, server }] : []
    })
    const servers = includesServers
      ? page.filter((registered) => !isAgent(registered) && hasAll(registered.server))
      : []
    if (next !== undefined) return { agents, servers, next }
    return { agents: [...agents, ...findShadowed(query, hasAll)], servers }
  }

  function findShadowed(
    query: ServerQuery,
    hasAll: (server: Server) => boolean = () => true,
  ): { agent: Agent; winner: Server }[] {
    const ids = shadowedAgents.ids()
    if (ids.size === 0) return []
    const matches = matching(query)
    return [...ids].toSorted().flatMap((id) => {
      const winner = registry.get(id)?.server
      const agent = winner && agentOf(winner.name)
      if (!winner || !agent) return []
      const server = shadowedServer(agent, winner)
      return matches(server) && hasAll(server) ? [{ agent, winner }] : []
    })
  }

  return {
    find,
    /** Changes with the statuses of the shadowed agents, which have no revision; empty where there are none. */
    shadowedVersion: (): string => {
      const ids = shadowedAgents.ids()
      if (ids.size === 0) return ''
      const statuses = Array.from(ids, (id) => {
        const winner = registry.get(id)?.server
        return (winner && agentOf(winner.name)?.lease.status) ?? ''
      })
      return hash('sha1', statuses.join(), 'base64url').slice(0, 12)
    },
    /** The servers of the shadowed agents that match a query. */
    shadowedServers: (query: ServerQuery): Server[] =>
      findShadowed(query).map(({ agent, winner }) => shadowedServer(agent, winner)),
    close: shadowedAgents.close,
  }
}

/** The server that a shadowed agent would be without the winning definition of its name. */
export function shadowedServer({ definition, lease }: Agent, winner: Server): Server {
  const { health_check_interval = winner.health_check_interval } = definition
  const shown = { ...winner, ...definition, health_check_interval }
  return { ...shown, discovery_method: 'registered', status: lease.status, health: { since: '' } }
}

/** Follows the ids of servers that shadow an agent. The registry's indexes do not find those by the agent's fields. */
function followShadowedAgents({
  registry,
  source,
}: {
  registry: Pick<MeshRegistry, 'list' | 'subscribe'>
  source: () => string | undefined
}) {
  const ids = new Set<string>()

  function update({ now, before }: Pick<Change, 'now' | 'before'>): void {
    if (now && !isAgent(now) && now.server.shadows.some((shadow) => shadow.source === source())) ids.add(now.server.id)
    else ids.delete((now ?? before)?.server.id ?? '')
  }

  for (const now of registry.list()) update({ now, before: now })
  const queue = createChunkedQueue(update)
  const close = registry.subscribe(({ changes }) => queue.add(changes))
  return { ids: (): ReadonlySet<string> => (queue.drain(), ids), close }
}
