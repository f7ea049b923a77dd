import type { JsonObject } from '../../../model/data/json-object.ts'
import { redactData } from '../../../model/redaction/redact-server.ts'
import type { ConsumerSlot } from '../consumer-slots.ts'
import { compareOfferVersions } from '../matching/version-match.ts'
import { type Offer, offerId } from '../offers/offer.ts'
import type { TraceSpread } from '../resolution-port.ts'
import type { EvaluatedOffer, CandidateList } from './candidate-lists.ts'

/** What decided between the candidates that passed every stage. */
export type Decision = 'none' | 'only_candidate' | 'score' | 'version' | 'declaration' | 'spread' | 'kept'

/** Why a dependency has its provider, or none. */
export type SlotExplanation = {
  readonly dep_index: number
  readonly capability: string
  readonly tags: ConsumerSlot['dependency']['tags']
  readonly version: string
  readonly required: boolean
  readonly match_mode?: string
  readonly status: 'available' | 'unavailable'
  readonly provider: JsonObject | null
  readonly decided_by: Decision
  /** A sentence for people. */
  readonly reason: string
  readonly spread?: TraceSpread
  readonly candidates: readonly JsonObject[]
  readonly candidates_omitted?: number
}

export function explainSlot({
  slot,
  list,
  chosen,
  spread,
}: {
  slot: ConsumerSlot
  list: CandidateList
  chosen: Offer | undefined
  spread: TraceSpread | undefined
}): SlotExplanation {
  const { capability, tags, version, required, match_mode } = slot.dependency
  const { decided_by, reason } = decisionOf(list, chosen, spread)
  return {
    dep_index: slot.depIndex,
    capability,
    tags,
    version,
    required,
    ...(match_mode && { match_mode }),
    status: chosen ? 'available' : 'unavailable',
    provider: chosen ? providerView(chosen) : null,
    decided_by,
    reason,
    ...(spread && { spread }),
    candidates: list.candidates.map((candidate) => candidateView(candidate, list, chosen)),
    ...(list.omitted > 0 && { candidates_omitted: list.omitted }),
  }
}

/** A provider, secrets redacted. */
export function providerView({ provider, tool }: Offer): JsonObject {
  return {
    agent_id: provider.id,
    function_name: tool.function_name,
    version: tool.version,
    endpoint: provider.endpoint,
    ...(tool.kwargs && { kwargs: redactData(tool.kwargs) }),
  }
}

function candidateView(
  { offer, isAgent, outcome }: EvaluatedOffer,
  { ranking }: CandidateList,
  chosen: Offer | undefined,
): JsonObject {
  const { provider, tool } = offer
  const shared = {
    agent_id: provider.id,
    function_name: tool.function_name,
    version: tool.version,
    tags: tool.tags,
    status: provider.status,
    ...(isAgent ? {} : { is_agent: false }),
  }
  if (typeof outcome !== 'number') {
    const { stage, reason, details } = outcome
    return { ...shared, result: 'evicted', stage, reason, ...(details && { details }) }
  }
  const isChosen = chosen !== undefined && offerId(offer) === offerId(chosen)
  const isEqual = ranking.offers.get(provider.id)?.tool.function_name === tool.function_name
  return { ...shared, score: outcome, result: isChosen ? 'chosen' : isEqual ? 'equal' : 'outranked' }
}

function decisionOf(
  list: CandidateList,
  chosen: Offer | undefined,
  spread: TraceSpread | undefined,
): { decided_by: Decision; reason: string } {
  const { candidates, ranking } = list
  if (!chosen) return { decided_by: 'none', reason: describeFailure(list) }
  const suffix =
    ranking.pool === 'degraded'
      ? '; no healthy agent passes'
      : ranking.pool === 'servers'
        ? '; no agent passes, so a server of another source serves'
        : ''
  if (spread) {
    const { providers, load, bound, kept } = spread
    const how = kept ? 'kept' : 'chosen by the hash of the agent id'
    return {
      decided_by: 'spread',
      reason: `one of ${providers} equal providers, ${how}: it has ${load} of at most ${bound} consumers${suffix}`,
    }
  }
  const next = candidates.find(
    ({ offer, outcome }) => typeof outcome === 'number' && offerId(offer) !== offerId(chosen),
  )
  if (typeof next?.outcome !== 'number')
    return { decided_by: 'only_candidate', reason: `the only candidate that passes every stage${suffix}` }
  if (next.outcome !== ranking.score)
    return {
      decided_by: 'score',
      reason: `the highest tag score: ${ranking.score}, the next has ${next.outcome}${suffix}`,
    }
  if (compareOfferVersions(next.offer.tool.version, ranking.version) !== 0)
    return {
      decided_by: 'version',
      reason: `the highest version: ${ranking.version}, the next has ${next.offer.tool.version}${suffix}`,
    }
  return { decided_by: 'declaration', reason: `declared first of the equal functions of its agent${suffix}` }
}

const stageTexts: Readonly<Record<string, string>> = {
  health: 'not healthy or not available',
  self: 'the function itself',
  tags: 'without the tags',
  version: 'of another version',
  schema: 'of another schema',
}

function describeFailure({ candidates, omitted, evicted }: CandidateList): string {
  if (candidates.length === 0) return 'no agent offers this capability'
  const counts = [...evicted].map(([stage, count]) => `${count} ${stageTexts[stage] ?? stage}`)
  const total = candidates.length + omitted
  return `none of ${total} ${total === 1 ? 'candidate' : 'candidates'} passes: ${counts.join(', ')}`
}
