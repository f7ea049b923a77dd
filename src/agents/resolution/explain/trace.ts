import type { ConsumerSlot } from '../consumer-slots.ts'
import { type Offer, offerId } from '../offers/offer.ts'
import type { ResolutionTrace, TraceSpread, TraceStage } from '../resolution-port.ts'
import type { EvaluatedOffer, CandidateList } from './candidate-lists.ts'

/** The stages of a trace, in order. Those of the original, and `self` where a function fell out as its own provider. */
const stageNames = ['health', 'self', 'capability_match', 'tags', 'version', 'schema'] as const

/** The trace of a choice, in the form of the original's audit events. */
export function toTrace({
  consumer,
  slot,
  list,
  chosen,
  before,
  spread,
}: {
  consumer: string
  slot: ConsumerSlot
  list: CandidateList
  chosen: Offer | undefined
  before: Offer | undefined
  spread: TraceSpread | undefined
}): ResolutionTrace {
  const { dependency, depIndex } = slot
  const { capability, tags, version, match_mode } = dependency
  const plain = tags.filter((tag) => typeof tag === 'string')
  const alternatives = tags.filter((tag) => typeof tag !== 'string')
  return {
    consumer,
    dep_index: depIndex,
    spec: {
      capability,
      ...(plain.length > 0 && { tags: plain }),
      ...(alternatives.length > 0 && { tag_alternatives: alternatives }),
      ...(version !== '' && { version_constraint: version }),
      schema_mode: match_mode ?? 'none',
    },
    stages: stagesOf(list, chosen, spread),
    ...(chosen && {
      chosen: {
        agent_id: chosen.provider.id,
        endpoint: chosen.provider.endpoint,
        function_name: chosen.tool.function_name,
      },
    }),
    ...(before && { prior_chosen: before.provider.id }),
    ...(list.omitted > 0 && { candidates_omitted: list.omitted }),
  }
}

function stagesOf(
  { candidates, ranking }: CandidateList,
  chosen: Offer | undefined,
  spread: TraceSpread | undefined,
): TraceStage[] {
  const stages: TraceStage[] = []
  let remaining = candidates.filter(({ outcome }) => typeof outcome === 'number' || outcome.stage !== 'agents')
  for (const stage of stageNames) {
    const isEvicted = ({ outcome }: EvaluatedOffer) => typeof outcome !== 'number' && outcome.stage === stage
    const evicted = remaining.filter(isEvicted)
    if (stage === 'self' && evicted.length === 0) continue
    remaining = remaining.filter((candidate) => !isEvicted(candidate))
    stages.push({
      stage,
      kept: remaining.map(({ offer }) => offerId(offer)),
      ...(evicted.length > 0 && { evicted: evicted.flatMap(toEviction) }),
    })
    if (remaining.length === 0) return stages
  }
  const isSpread = ranking.offers.size > 1
  stages.push({
    stage: 'tiebreaker',
    kept: remaining.map(({ offer }) => offerId(offer)),
    ...(chosen && { chosen: offerId(chosen) }),
    reason: isSpread ? 'HighestScoreThenVersionThenSpread' : 'HighestScoreThenVersion',
    ...(spread && { spread }),
  })
  return stages
}

function toEviction({ offer, outcome }: EvaluatedOffer): NonNullable<TraceStage['evicted']> {
  if (typeof outcome === 'number') return []
  return [{ id: offerId(offer), reason: outcome.reason, ...(outcome.details && { details: outcome.details }) }]
}
