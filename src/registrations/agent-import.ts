import type { LeaseThresholds } from '../agents/agent-spec.ts'
import { toPutOperation } from '../agents/agent.ts'
import { RegistrationProblem } from '../agents/errors.ts'
import { maxNesting, isDeeperThan } from '../agents/parsing/normalize.ts'
import { type AgentRequest, parseAgent } from '../agents/parsing/registration.ts'
import type { Store } from '../stores/store.ts'

const perCommit = 200

/** A registration of another registry, in whatever shape. */
type Foreign = { readonly id: string; readonly created_at?: string }

/** An agent that was not taken, and why. */
export type SkippedAgent = { readonly agent_id: string; readonly field: string; readonly problem: string }

export type ImportResult = {
  readonly imported: number
  /** Ids that are registered already; what is there stays. */
  readonly existing: readonly string[]
  readonly skipped: readonly SkippedAgent[]
}

/**
 * Writes registrations of another registry into a store, each as if its agent had registered but not been heard yet.
 *
 * Nobody's registration is replaced. `created_at` is kept, where one has it.
 */
export async function importAgents(
  store: Pick<Store, 'commit'>,
  agents: readonly Foreign[],
  defaults: LeaseThresholds,
): Promise<ImportResult> {
  const { requests, skipped } = parseImportedAgents(agents, defaults)
  const existing: string[] = []
  let imported = 0
  for (let from = 0; from < requests.length; from += perCommit) {
    const some = requests.slice(from, from + perCommit)
    const outcomes = await store.commit(
      some.map(({ created_at, ...request }) => ({
        ...toPutOperation(request, undefined),
        expect: 'none' as const,
        ...(created_at !== undefined && { created_at }),
      })),
    )
    for (const [index, outcome] of outcomes.entries()) {
      const agent_id = some[index]?.id ?? ''
      if (outcome.type === 'put') imported += 1
      else if (outcome.type === 'rejected') skipped.push({ agent_id, field: 'registration', problem: outcome.reason })
      else existing.push(agent_id)
    }
  }
  return { imported, existing, skipped }
}

/** What the agents would register as, and who cannot. */
export function parseImportedAgents(agents: readonly Foreign[], defaults: LeaseThresholds) {
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
  if (isDeeperThan(agent, maxNesting)) return new RegistrationProblem('registration', 'it is nested too deep')
  try {
    return parseAgent(agent, { defaults, countsAsHeartbeat: false })
  } catch (error) {
    if (error instanceof RegistrationProblem) return error
    throw error
  }
}
