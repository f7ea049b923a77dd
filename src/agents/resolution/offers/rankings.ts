import { rankOffers, type Ranking, type RankingRules } from '../matching/ranking.ts'
import { scoreTags } from '../matching/tags.ts'
import { satisfiesConstraint } from '../matching/version-match.ts'
import type { CapabilityIndex } from './capability-index.ts'
import type { DependencySpec, DependencySpecs } from './dependency-specs.ts'
import type { OfferIndex } from './offer-index.ts'
import { byProviderId, type Offer } from './offer.ts'

/** Maximum offers in all remembered rankings together. */
const maxRemembered = 1_000_000

export type Rankings = ReturnType<typeof createRankings>

/** The candidates of each dependency, ranked once for as long as nothing that they depend on changes. */
export function createRankings({
  index,
  specs,
  offers,
  serversOffering,
}: {
  index: Pick<CapabilityIndex, 'offersOf'>
  specs: Pick<DependencySpecs, 'all'>
  offers: Pick<OfferIndex, 'requirementsOf'>
  /** The offers of servers that are no agents. */
  serversOffering: (capability: string) => readonly Offer[]
}) {
  let rememberedOffers = 0

  function isFresh({ ranked, entry }: DependencySpec): boolean {
    return ranked?.stamp === entry.stamp
  }

  function rankingOf(spec: DependencySpec): Ranking {
    if (spec.ranked && isFresh(spec)) return spec.ranked.ranking
    return evaluate(spec)
  }

  /**
   * Ranks a dependency after all that its candidates require, however indirectly. Without recursion: a chain of requirements
   * may be as long as there are agents.
   *
   * A circle of requirements has no provider. What was ranked while a circle was open holds for this evaluation only.
   */
  function evaluate(root: DependencySpec): Ranking {
    if (rememberedOffers > maxRemembered) forgetAll()
    const stack = [frameOf(root)]
    const open = new Set([root])
    const provisional: DependencySpec[] = []
    let hasCircle = false
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
      const next = frame.pending.pop()
      if (next && open.has(next)) hasCircle = true
      else if (next && !isFresh(next)) {
        stack.push(frameOf(next))
        open.add(next)
      } else if (!next) {
        const { spec } = frame
        remember(spec, rank(spec, spec.kind === 'dependency' ? { isAvailable: isAvailableBeside(open) } : {}))
        if (frame.spec !== root) provisional.push(frame.spec)
        open.delete(frame.spec)
        stack.pop()
      }
    }
    if (hasCircle) for (const spec of provisional) forget(spec)
    return root.ranked?.ranking ?? rank(root, { isAvailable: () => false })
  }

  /** The rules of a dependency, for providers of any status. */
  function rulesOf({ kind, dependency, expectedSchema }: DependencySpec): Omit<RankingRules, 'statuses'> {
    // As in the original, what a language model requires does not count.
    return kind === 'llm_provider'
      ? { dependency, expectedSchema, isAvailable: () => true, needsInputSchema: true }
      : { dependency, expectedSchema, isAvailable, needsInputSchema: false }
  }

  /** The candidates that are no agents. */
  function serversFor({ kind, dependency }: DependencySpec): readonly Offer[] {
    return kind === 'dependency' ? serversOffering(dependency.capability) : []
  }

  /** A dependency, and the ones that its candidates require. */
  function frameOf(spec: DependencySpec): { spec: DependencySpec; pending: DependencySpec[] } {
    const required = new Set<DependencySpec>()
    if (spec.kind === 'llm_provider') return { spec, pending: [] }
    for (const offer of index.offersOf(spec.dependency.capability))
      for (const one of offers.requirementsOf(offer)) required.add(one)
    return { spec, pending: [...required] }
  }

  /** The availability of offers whose requirements are ranked, but for those that are open. */
  function isAvailableBeside(open: ReadonlySet<DependencySpec>): (offer: Offer) => boolean {
    const hasProvider = (spec: DependencySpec) => !open.has(spec) && (spec.ranked?.ranking.offers.size ?? 0) > 0
    return (offer) => offers.requirementsOf(offer).every(hasProvider)
  }

  function rank(spec: DependencySpec, more: Partial<RankingRules>): Ranking {
    return rankOffers(index.offersOf(spec.dependency.capability), { ...rulesOf(spec), ...more }, () => serversFor(spec))
  }

  function remember(spec: DependencySpec, ranking: Ranking): void {
    forget(spec)
    spec.ranked = { ranking, stamp: spec.entry.stamp }
    rememberedOffers += ranking.offers.size
  }

  function forget(spec: DependencySpec): void {
    rememberedOffers -= spec.ranked?.ranking.offers.size ?? 0
    spec.ranked = undefined
  }

  function forgetAll(): void {
    for (const spec of specs.all()) spec.ranked = undefined
    rememberedOffers = 0
  }

  function isAvailable(offer: Offer): boolean {
    return offers.requirementsOf(offer).every((spec) => rankingOf(spec).offers.size > 0)
  }

  /** The first required dependency of a function that has no provider, as text; undefined where all have one. */
  function unavailableReason(offer: Offer): string | undefined {
    const broken = offers.requirementsOf(offer).find((spec) => rankingOf(spec).offers.size === 0)
    return broken && describeBroken(broken)
  }

  /** Names the provider that would do, if any, else the conditions that none meets. The texts are the original's. */
  function describeBroken({ dependency }: DependencySpec): string {
    const { capability, tags, version, match_mode } = dependency
    const matching = [...index.offersOf(capability)]
      .filter(
        ({ tool }) => typeof scoreTags(tool.tags, tags) === 'number' && satisfiesConstraint(tool.version, version),
      )
      .toSorted(byProviderId)
    const unhealthy = matching.find(({ provider }) => provider.status !== 'healthy' && provider.status !== 'degraded')
    if (unhealthy) return `required dep '${capability}' unavailable (provider ${unhealthy.provider.id} unhealthy)`
    if (matching[0]) return `required dep '${capability}' unavailable (provider ${matching[0].provider.id} unavailable)`
    const plain = tags.filter((tag) => typeof tag === 'string')
    const conditions = [
      ...(plain.length > 0 ? [`tags=[${plain.join(' ')}]`] : []),
      ...(version === '' ? [] : [`version ${version}`]),
      ...(match_mode ? [`schema=${match_mode}`] : []),
    ]
    const suffix = conditions.length > 0 ? ` (no provider matches ${conditions.join(', ')})` : ''
    return `required dep '${capability}' unresolved${suffix}`
  }

  return {
    rankingOf,
    isAvailable,
    unavailableReason,
    /** The ranking without the function that has the dependency. */
    rankingWithout: (spec: DependencySpec, self: RankingRules['self']): Ranking => rank(spec, { self }),
    rulesOf,
    serversFor,
  }
}
