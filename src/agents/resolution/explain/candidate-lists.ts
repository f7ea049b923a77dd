import { LRUCache } from 'lru-cache'
import { type ConsumerSlot, shareKeyOf } from '../consumer-slots.ts'
import type { Consumers } from '../consumers.ts'
import { type Eviction, type EvictionStage, evaluateOffer, poolStatuses, type Ranking } from '../matching/ranking.ts'
import { compareOfferVersions } from '../matching/version-match.ts'
import type { CapabilityEntry, CapabilityIndex } from '../offers/capability-index.ts'
import { byProviderId, type Offer } from '../offers/offer.ts'
import type { Rankings } from '../offers/rankings.ts'

/** Maximum candidates of one dependency that are listed. */
export const maxListed = 100
/** Maximum candidates in all remembered evaluations together. */
const maxRemembered = 200_000

/** A candidate of a dependency. */
export type EvaluatedOffer = {
  readonly offer: Offer
  readonly isAgent: boolean
  /** Its score where it passed every stage. */
  readonly outcome: number | Eviction
}

export type CandidateList = {
  readonly ranking: Ranking
  /** The best first; then those that fell out, by provider. */
  readonly candidates: readonly EvaluatedOffer[]
  /** How many are left out. */
  readonly omitted: number
  /** By stage: how many fell out there, those left out included. */
  readonly evicted: ReadonlyMap<EvictionStage, number>
}

/** All candidates of one dependency, in order, for as long as the stamp of its capability stays. */
type Evaluation = {
  readonly entry: CapabilityEntry
  readonly stamp: number
  readonly sorted: readonly EvaluatedOffer[]
  readonly evicted: ReadonlyMap<EvictionStage, number>
  /** The first, with the reasons of those that are unavailable. */
  readonly first: readonly EvaluatedOffer[]
}

export type CandidateLists = ReturnType<typeof createCandidateLists>

/** Lists the candidates of a dependency, by the very rules that choose its provider. Made on demand: a choice costs far less. */
export function createCandidateLists({
  index,
  rankings,
  consumers,
}: {
  index: Pick<CapabilityIndex, 'offersOf'>
  rankings: Pick<Rankings, 'rulesOf' | 'serversFor' | 'unavailableReason'>
  consumers: Pick<Consumers, 'rankingFor'>
}) {
  const evaluations = new LRUCache<string, Evaluation>({
    maxSize: maxRemembered,
    sizeCalculation: ({ sorted }) => sorted.length + 1,
  })

  /** `shown` are listed in any case. */
  function list(
    agentId: string,
    slot: ConsumerSlot,
    shown: readonly (Offer | undefined)[],
    limit = maxListed,
  ): CandidateList {
    const ranking = consumers.rankingFor(agentId, slot)
    const { sorted, first, evicted } = evaluationOf(agentId, slot, ranking)
    const isShown = ({ offer }: EvaluatedOffer) => shown.some((one) => one !== undefined && isSameFunction(one, offer))
    const more = sorted.slice(limit).filter(isShown).map(withReason)
    const candidates = [...first.slice(0, limit), ...more]
    return { ranking, candidates, omitted: sorted.length - candidates.length, evicted }
  }

  /** Evaluates the candidates once for all equal dependencies. A function that could be its own provider has evaluations of its own. */
  function evaluationOf(agentId: string, slot: ConsumerSlot, ranking: Ranking): Evaluation {
    const { spec, tool, dependency } = slot
    const { entry } = spec
    const key = `${tool.capability === dependency.capability ? shareKeyOf(agentId, slot) : ''} ${spec.key}`
    const known = evaluations.get(key)
    if (known?.entry === entry && known.stamp === entry.stamp) return known
    const sorted = [...evaluateAgents(agentId, slot, ranking), ...evaluateServers(slot, ranking)].toSorted(byRank)
    const evicted = new Map<EvictionStage, number>()
    for (const { outcome } of sorted)
      if (typeof outcome !== 'number') evicted.set(outcome.stage, (evicted.get(outcome.stage) ?? 0) + 1)
    const first = sorted.slice(0, maxListed).map(withReason)
    const evaluation = { entry, stamp: entry.stamp, sorted, evicted, first }
    evaluations.set(key, evaluation)
    return evaluation
  }

  function evaluateAgents(agentId: string, { spec, tool }: ConsumerSlot, { pool }: Ranking): EvaluatedOffer[] {
    const rules = {
      ...rankings.rulesOf(spec),
      statuses: poolStatuses[pool === 'servers' ? 'degraded' : pool],
      self: { agentId, functionName: tool.function_name },
    }
    const offers = [...index.offersOf(spec.dependency.capability)].toSorted(byProviderId)
    return offers.map((offer) => ({ offer, isAgent: true, outcome: evaluateOffer(offer, rules) }))
  }

  function evaluateServers({ spec }: ConsumerSlot, { pool }: Ranking): EvaluatedOffer[] {
    const rules = { ...rankings.rulesOf(spec), statuses: poolStatuses.servers }
    const isNeeded = pool === 'servers'
    return rankings.serversFor(spec).map((offer) => {
      const outcome = isNeeded ? evaluateOffer(offer, rules) : ({ stage: 'agents', reason: 'AgentsFirst' } as const)
      return { offer, isAgent: false, outcome }
    })
  }

  /** Names the broken requirement of a candidate that is unavailable. */
  function withReason(candidate: EvaluatedOffer): EvaluatedOffer {
    const { offer, outcome } = candidate
    if (typeof outcome === 'number' || outcome.reason !== 'Unavailable') return candidate
    return { ...candidate, outcome: { ...outcome, details: { reason: rankings.unavailableReason(offer) } } }
  }

  return { list }
}

function isSameFunction(a: Offer, b: Offer): boolean {
  return a.provider.id === b.provider.id && a.tool.function_name === b.tool.function_name
}

/** Higher score, then higher version, then provider; those that fell out come last. */
function byRank(a: EvaluatedOffer, b: EvaluatedOffer): number {
  const [one, other] = [scoreOf(a), scoreOf(b)]
  if (one !== other) return other - one
  if (one < 0) return byProviderId(a.offer, b.offer)
  return compareOfferVersions(b.offer.tool.version, a.offer.tool.version) || byProviderId(a.offer, b.offer)
}

function scoreOf({ outcome }: EvaluatedOffer): number {
  return typeof outcome === 'number' ? outcome : -1
}
