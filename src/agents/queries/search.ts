import { parseCursor } from '../../model/query/cursor.ts'
import { hasCapability, matching, matchingCapability } from '../../model/query/matching.ts'
import type { ServerQuery } from '../../model/query/query.ts'
import type { Server } from '../../model/server.ts'
import type { Agent } from '../agent.ts'
import { ParameterProblem } from '../errors.ts'
import type { MeshRegistry } from '../mesh-registry.ts'
import type { AgentMatch } from './views.ts'

/** What is asked of agents: a query, and further capabilities that an agent must have as well. */
export type AgentQuery = {
  readonly query: ServerQuery
  readonly also: readonly string[]
  /** Where the page before ended, as its answer said. */
  readonly after?: string | undefined
}

export type AgentPage = { readonly agents: readonly AgentMatch[]; readonly next?: string | undefined }

/** Finds agents by the indexes of the registry; those that are shadowed there are looked at one by one, and come last. */
export function createAgentSearch({
  registry,
  source,
  agentOf,
  shadowed,
}: {
  registry: Pick<MeshRegistry, 'get' | 'select'>
  /** Name of the source of agents. */
  source: () => string | undefined
  agentOf: (id: string) => Agent | undefined
  shadowed: () => ReadonlySet<string>
}) {
  function find({ query, also, after }: AgentQuery): AgentPage {
    const asked = { ...query, source: source(), continue: after }
    const position = parseCursor(asked)
    if (position && 'problem' in position) throw new ParameterProblem('continue', `continue: ${position.problem}`)
    const { page, next } = registry.select(asked)
    const hasAll = also
      .map((capability) => matchingCapability({ ...query, capability }))
      .map((suits) => suits && hasCapability(suits))
    const suits = (server: Server) => hasAll.every((has) => !has || has(server))
    const agents = page.flatMap(({ server }): AgentMatch[] => {
      const agent = suits(server) ? agentOf(server.name) : undefined
      return agent ? [{ agent, server }] : []
    })
    if (next !== undefined) return { agents, next }
    return { agents: [...agents, ...shadowedIn(query, suits)] }
  }

  function shadowedIn(
    query: ServerQuery,
    suits: (server: Server) => boolean = () => true,
  ): { agent: Agent; winner: Server }[] {
    if (shadowed().size === 0) return []
    const holds = matching(query)
    return [...shadowed()].toSorted().flatMap((id) => {
      const winner = registry.get(id)?.server
      const agent = winner && agentOf(winner.name)
      if (!winner || !agent) return []
      const server = shadowedServer(agent, winner)
      return holds(server) && suits(server) ? [{ agent, winner }] : []
    })
  }

  return {
    find,
    /** The servers that shadowed agents would be, of those that a query asks for. */
    hidden: (query: ServerQuery): Server[] =>
      shadowedIn(query).map(({ agent, winner }) => shadowedServer(agent, winner)),
  }
}

/** The server that a shadowed agent would be, were it not for the winner of its name. */
export function shadowedServer({ definition, lease }: Agent, winner: Server): Server {
  return { ...winner, ...definition, discovery_method: 'registered', status: lease.status, health: { since: '' } }
}
