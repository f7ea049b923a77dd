import { LRUCache } from 'lru-cache'
import type { Server } from '../../model/server.ts'
import type { Agent } from '../agent.ts'
import type { ResolutionPort } from '../resolution/resolution-port.ts'
import { functionNamesOf, type UnavailableReasons } from './function-views.ts'
import { type AgentMatch, type AgentRelations, agentView, untimedAgentView } from './views.ts'

/** An agent as encoded for a list, without its times and its last brace, and all that it was made of. */
type EncodedAgent = {
  readonly agent: Agent
  readonly server: Server
  readonly relations: string
  readonly text: string
  /** The version at which it was compared last. */
  version: string
}

/** Maximum size of the encoded agents together, in characters. */
const maxCachedCharacters = 16 * 1024 * 1024

/**
 * The views of agents that show their relations to other agents too.
 *
 * A list is polled, and most of its agents are what they were: each is encoded once until something shown changes.
 */
export function createAgentViews({
  resolutions,
  version: listVersion,
}: {
  resolutions: ResolutionPort
  /** Changes with everything that a list of agents shows but the times of heartbeats. */
  version: () => string
}) {
  const encoded = new LRUCache<string, EncodedAgent>({
    maxSize: maxCachedCharacters,
    sizeCalculation: ({ text, relations }) => text.length + relations.length,
  })

  function unavailableReasons(match: AgentMatch): UnavailableReasons {
    const { id } = match.agent
    return Object.fromEntries(functionNamesOf(match).map((name) => [name, resolutions.unavailableReason(id, name)]))
  }

  function relationsOf(match: AgentMatch): AgentRelations {
    return { resolutions: resolutions.resolutionsOf(match.agent.id), unavailable: unavailableReasons(match) }
  }

  function encode(match: AgentMatch, version: string): string {
    const { agent, server } = match
    // The status of a shadowed agent may change without a revision.
    if (!server) return withoutLastBrace(untimedAgentView(match, relationsOf(match)))
    const before = encoded.get(agent.id)
    const isSame = before?.agent === agent && before.server === server
    if (isSame && before.version === version) return before.text
    const relations = relationsOf(match)
    const relationsText = JSON.stringify(relations)
    if (isSame && before.relations === relationsText) {
      before.version = version
      return before.text
    }
    const text = withoutLastBrace(untimedAgentView(match, relations))
    encoded.set(agent.id, { agent, server, relations: relationsText, text, version })
    return text
  }

  return {
    unavailableReasons,
    listVersion,
    /** An agent with the exact time of its last heartbeat. */
    agentView: (match: AgentMatch): Record<string, unknown> => agentView(match, relationsOf(match)),
    /**
     * The JSON of agents in a list of one `listVersion`, with the times of heartbeats as of `asOf`, in ms: a later
     * heartbeat is shown as one at that time, so that it does not change the list.
     */
    listEncoder: (asOf: number): ((match: AgentMatch) => string) => {
      const version = listVersion()
      const latest = JSON.stringify(new Date(asOf).toISOString())
      return (match) => {
        const { lastHeartbeatAt: at } = match.agent.lease
        const time = at === undefined ? 'null' : at < asOf ? JSON.stringify(new Date(at).toISOString()) : latest
        return `${encode(match, version)},"last_heartbeat":${time},"last_seen":${time}}`
      }
    },
  }
}

function withoutLastBrace(view: Record<string, unknown>): string {
  return JSON.stringify(view).slice(0, -1)
}
