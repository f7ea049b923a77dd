import type { AgentRequest, LeaseThresholds } from '../agents/agent.ts'
import { RegistrationProblem } from '../agents/errors.ts'
import { parseAgentRequest } from '../agents/parsing/agent-request.ts'
import { toPutOperation } from '../agents/stored-agent.ts'
import { isDeeperThan, maxNestingLevels } from '../model/data/json-object.ts'
import type { Store } from '../stores/store.ts'

/** Maximum number of agents in one transaction. */
const maxAgentsPerCommit = 200

/** A registration of another registry, unchecked. */
type ForeignAgent = { readonly id: string; readonly created_at?: string }

/** An agent that was not imported, with the reason. */
export type SkippedAgent = { readonly agent_id: string; readonly field: string; readonly problem: string }

export type ImportResult = {
  readonly imported: number
  /** Ids that are registered already; their registrations stay. */
  readonly existing: readonly string[]
  readonly skipped: readonly SkippedAgent[]
}

/**
 * Writes registrations of another registry into a store. Each agent is pending until its first heartbeat.
 *
 * No stored registration is replaced. An agent keeps its `created_at`, if it has one.
 */
export async function importAgents(
  store: Pick<Store, 'commit'>,
  agents: readonly ForeignAgent[],
  defaults: LeaseThresholds,
): Promise<ImportResult> {
  const { requests, skipped } = parseImportedAgents(agents, defaults)
  const existing: string[] = []
  let imported = 0
  for (let from = 0; from < requests.length; from += maxAgentsPerCommit) {
    const chunk = requests.slice(from, from + maxAgentsPerCommit)
    const outcomes = await store.commit(
      chunk.map(({ created_at, ...request }) => ({
        ...toPutOperation(request, undefined),
        expect: 'none' as const,
        ...(created_at !== undefined && { created_at }),
      })),
    )
    for (const [index, outcome] of outcomes.entries()) {
      const agent_id = chunk[index]?.id ?? ''
      if (outcome.type === 'put') imported += 1
      else if (outcome.type === 'rejected') skipped.push({ agent_id, field: 'registration', problem: outcome.reason })
      else existing.push(agent_id)
    }
  }
  return { imported, existing, skipped }
}

/** Validates the agents without writing them. */
export function parseImportedAgents(agents: readonly ForeignAgent[], defaults: LeaseThresholds) {
  const skipped: SkippedAgent[] = []
  const requests = agents.flatMap((agent) => {
    const request = requestOf(agent, defaults)
    if (!('field' in request)) return { ...request, created_at: agent.created_at }
    skipped.push({ agent_id: agent.id, field: request.field, problem: request.message })
    return []
  })
  return { requests, skipped }
}

function requestOf(agent: { readonly id: string }, defaults: LeaseThresholds): AgentRequest | RegistrationProblem {
  if (isDeeperThan(agent, maxNestingLevels))
    return new RegistrationProblem('registration', `it is nested deeper than ${maxNestingLevels} levels`)
  try {
    return parseAgentRequest(agent, { defaults, countsAsHeartbeat: false })
  } catch (error) {
    if (error instanceof RegistrationProblem) return error
    throw error
  }
}
