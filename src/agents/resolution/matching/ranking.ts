import type { JsonObject } from '../../../model/data/json-object.ts'
import type { Status } from '../../../model/health.ts'
import type { MeshDependency } from '../../mesh-tool.ts'
import type { Offer } from '../offers/offer.ts'
import { compactOffers, type OffersByProvider } from '../offers/offers-by-provider.ts'
import { differencesOf } from './schema-match.ts'
import { scoreTags } from './tags.ts'
import { compareOfferVersions, satisfiesConstraint } from './version-match.ts'

/** The stages that a candidate passes, in order. `agents`: a server of another source counts only where no agent passes. */
export type EvictionStage = 'agents' | 'health' | 'self' | 'tags' | 'version' | 'schema'

/** Where a candidate fell out, and why. */
export type Eviction = { readonly stage: EvictionStage; readonly reason: string; readonly details?: JsonObject }

/** What a dependency asks of its candidates. */
export type RankingRules = {
  readonly dependency: MeshDependency
  readonly expectedSchema: JsonObject | undefined
  /** Statuses of a provider that count. */
  readonly statuses: readonly Status[]
  /** Whether the required dependencies of a function have providers. */
  readonly isAvailable: (offer: Offer) => boolean
  /** Only functions with an input schema pass: a language model. */
  readonly needsInputSchema: boolean
  /** The function that has the dependency: never its own provider. */
  readonly self?: { readonly agentId: string; readonly functionName: string } | undefined
}

/** The best candidates: those of equal score and version, one function of each provider. */
export type Tier = {
  readonly offers: OffersByProvider
  readonly score: number
  readonly version: string
}

/** Which kind of candidates the tier is made of: a later kind counts only where the earlier ones have none that passes. */
export type CandidatePool = 'healthy' | 'degraded' | 'servers'

export type Ranking = Tier & { readonly pool: CandidatePool }

/** By pool: the statuses of providers that count. */
export const poolStatuses: Readonly<Record<CandidatePool, readonly Status[]>> = {
  healthy: ['healthy'],
  degraded: ['healthy', 'degraded'],
  servers: ['healthy'],
}

/** Ranks candidates. `servers` lists those that are not agents. */
export function rankOffers(
  offers: Iterable<Offer>,
  rules: Omit<RankingRules, 'statuses'>,
  servers: () => Iterable<Offer>,
): Ranking {
  for (const pool of ['healthy', 'degraded'] as const) {
    const tier = topTier(offers, { ...rules, statuses: poolStatuses[pool] })
    if (tier.offers.size > 0) return rankingOf(tier, pool)
  }
  return rankingOf(topTier(servers(), { ...rules, statuses: poolStatuses.servers }), 'servers')
}

/** A literal: V8 gives a spread object twice the memory, and there are thousands of rankings. */
function rankingOf({ offers, score, version }: Tier, pool: CandidatePool): Ranking {
  return { offers, score, version, pool }
}

function topTier(offers: Iterable<Offer>, rules: RankingRules): Tier {
  let best = new Map<string, Offer>()
  let [score, version] = [0, '']
  for (const offer of offers) {
    const evaluated = evaluateOffer(offer, rules)
    if (typeof evaluated !== 'number') continue
    const order = best.size === 0 ? 1 : evaluated - score || compareOfferVersions(offer.tool.version, version)
    if (order < 0) continue
    if (order > 0) {
      best = new Map()
      score = evaluated
      version = offer.tool.version
    }
    // Of two equal functions of one provider, the first declared.
    if (!best.has(offer.provider.id)) best.set(offer.provider.id, offer)
  }
  return { offers: compactOffers(best), score, version }
}

/** The score of a candidate that passes every stage, or where it fell out. */
export function evaluateOffer(offer: Offer, rules: RankingRules): number | Eviction {
  const { provider, tool } = offer
  const { dependency, self } = rules
  if (!rules.statuses.includes(provider.status)) return unhealthy(provider.status)
  if (!rules.isAvailable(offer)) return { stage: 'health', reason: 'Unavailable' }
  if (self?.agentId === provider.id && self.functionName === tool.function_name)
    return { stage: 'self', reason: 'Self' }
  const score = scoreTags(tool.tags, dependency.tags)
  if (typeof score !== 'number') return { stage: 'tags', ...score }
  if (!satisfiesConstraint(tool.version, dependency.version)) {
    const details = { version: tool.version, constraint: dependency.version }
    return { stage: 'version', reason: 'VersionConstraintFailed', details }
  }
  if (rules.needsInputSchema && !tool.input_schema) return { stage: 'schema', reason: 'NoInputSchema' }
  return schemaEviction(offer, rules) ?? score
}

function unhealthy(status: Status): Eviction {
  return { stage: 'health', reason: status === 'degraded' ? 'Degraded' : 'Unhealthy', details: { status } }
}

/** Compares the output schema where the dependency asks for it. */
function schemaEviction({ provider, tool }: Offer, { dependency, expectedSchema }: RankingRules): Eviction | undefined {
  const { match_mode: mode, expected_schema_hash: expected } = dependency
  const { output_schema_hash: offered } = tool
  if (mode === undefined) return undefined
  const evict = (more: JsonObject = {}): Eviction => {
    const details = { mode, consumer_hash: expected ?? '', producer_hash: offered ?? '', ...more }
    return { stage: 'schema', reason: 'SchemaIncompatible', details }
  }
  if (offered === undefined) return mode === 'strict' ? evict({ reasons: [{ kind: 'no_published_hash' }] }) : undefined
  if (offered === expected) return undefined
  if (mode === 'strict') return evict()
  const schema = provider.schemas?.[offered]
  const reasons = schema && expectedSchema ? differencesOf(expectedSchema, schema) : []
  return reasons.length > 0 ? evict({ reasons }) : undefined
}
