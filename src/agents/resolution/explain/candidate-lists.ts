import type { ConsumerSlot } from '../consumer-slots.ts'
import type { Consumers } from '../consumers.ts'
import { type Eviction, judgeOffer, poolStatuses, type Ranking } from '../matching/ranking.ts'
import { compareOfferVersions } from '../matching/version-match.ts'
import type { CapabilityIndex } from '../offers/capability-index.ts'
import { byProviderId, type Offer, offerId } from '../offers/offer.ts'
import type { Rankings } from '../offers/rankings.ts'

/** Maximum candidates of one dependency that are listed. */
const maxListed = 100

/** A candidate of a dependency. */
export type JudgedOffer = {
  readonly offer: Offer
  readonly isAgent: boolean
  /** Its score where it passed every stage. */
  readonly outcome: number | Eviction
}

export type CandidateList = {
  readonly ranking: Ranking
  /** The best first; then those that fell out, by provider. */
  readonly candidates: readonly JudgedOffer[]
  /** How many are left out. */
  readonly omitted: number
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
  /** `shown` are listed in any case. */
  function list(agentId: string, slot: ConsumerSlot, shown: readonly (Offer | undefined)[]): CandidateList {
    const ranking = consumers.rankingFor(agentId, slot)
    const sorted = [...judgeAgents(agentId, slot, ranking), ...judgeServers(slot, ranking)].toSorted(byRank)
    const shownIds = new Set(shown.map((offer) => offer && offerId(offer)))
    const listed = sorted.filter(({ offer }, at) => at < maxListed || shownIds.has(offerId(offer)))
    return { ranking, candidates: listed.map(withReason), omitted: sorted.length - listed.length }
  }

  function judgeAgents(agentId: string, { spec, tool }: ConsumerSlot, { pool }: Ranking): JudgedOffer[] {
    const rules = {
      ...rankings.rulesOf(spec),
      statuses: poolStatuses[pool === 'servers' ? 'degraded' : pool],
      self: { agentId, functionName: tool.function_name },
    }
    const offers = [...index.offersOf(spec.dependency.capability)].toSorted(byProviderId)
    return offers.map((offer) => ({ offer, isAgent: true, outcome: judgeOffer(offer, rules) }))
  }

  function judgeServers({ spec }: ConsumerSlot, { pool }: Ranking): JudgedOffer[] {
    const rules = { ...rankings.rulesOf(spec), statuses: poolStatuses.servers }
    const isNeeded = pool === 'servers'
    return rankings.serversFor(spec).map((offer) => {
      const outcome = isNeeded ? judgeOffer(offer, rules) : ({ stage: 'agents', reason: 'AgentsFirst' } as const)
      return { offer, isAgent: false, outcome }
    })
  }

  /** Names the broken requirement of a candidate that is unavailable. */
  function withReason(candidate: JudgedOffer): JudgedOffer {
    const { offer, outcome } = candidate
    if (typeof outcome === 'number' || outcome.reason !== 'Unavailable') return candidate
    return { ...candidate, outcome: { ...outcome, details: { reason: rankings.unavailableReason(offer) } } }
  }

  return { list }
}

/** Higher score, then higher version, then provider; those that fell out come last. */
function byRank(a: JudgedOffer, b: JudgedOffer): number {
  const [one, other] = [scoreOf(a), scoreOf(b)]
  if (one !== other) return other - one
  if (one < 0) return byProviderId(a.offer, b.offer)
  return compareOfferVersions(b.offer.tool.version, a.offer.tool.version) || byProviderId(a.offer, b.offer)
}

function scoreOf({ outcome }: JudgedOffer): number {
  return typeof outcome === 'number' ? outcome : -1
}
