import type { BalancedProvider, Location } from './provider.ts'
import { type Choice, type Ordering, orderings } from './strategies.ts'

export const strategies = ['random', 'round_robin', 'fastest', 'least_load', 'sticky'] as const
export type Strategy = (typeof strategies)[number]

export type ChoiceOptions = Location & {
  /** Default: `random`. */
  readonly strategy?: Strategy | undefined
  /** What sticks to a provider: a session, a user. Needed by `sticky`. */
  readonly key?: string | undefined
  /** The number of earlier choices, which the caller counts. Needed by `round_robin`. */
  readonly turn?: number | undefined
  /** Number of choices at most; default: all. */
  readonly limit?: number | undefined
  /** From 0 up to 1, as `Math.random`. */
  readonly random?: (() => number) | undefined
}

/**
 * Chooses providers, best first: the first is for the call, the others for failing over.
 *
 * Only healthy providers are chosen; degraded ones where no healthy one is left; others never. Those of the same zone come first, then
 * those of the same region, then the rest; the strategy orders each of these groups.
 *
 * @throws {TypeError} `sticky` without a key.
 */
export function chooseProviders<T extends BalancedProvider>(
  providers: readonly T[],
  {
    strategy = 'random',
    key,
    turn = 0,
    limit = Number.POSITIVE_INFINITY,
    random = Math.random,
    ...here
  }: ChoiceOptions = {},
): Choice<T>[] {
  if (strategy === 'sticky' && !key) throw new TypeError('the strategy "sticky" needs a key')
  const { usable, note } = usableOf(providers)
  const order: Ordering = orderings[strategy]
  const chosen: Choice<T>[] = []
  for (const { group, place } of groupsByPlace(usable, here)) {
    if (chosen.length >= limit) break
    const ordered = order(group, { key: key ?? '', turn, random, limit: limit - chosen.length })
    for (const { provider, reason } of ordered)
      chosen.push({ provider, reason: [place, reason, note].filter(Boolean).join('; ') })
  }
  return chosen
}

function usableOf<T extends BalancedProvider>(providers: readonly T[]): { usable: readonly T[]; note: string } {
  const healthy = providers.filter(({ status }) => status === 'healthy')
  if (healthy.length > 0) return { usable: healthy, note: '' }
  return { usable: providers.filter(({ status }) => status === 'degraded'), note: 'degraded: no healthy one is left' }
}

/** The providers by nearness, each group with its reason in words; one group without a reason where no place is given. */
function groupsByPlace<T extends BalancedProvider>(
  providers: readonly T[],
  { zone, region }: Location,
): readonly { readonly group: readonly T[]; readonly place: string }[] {
  if (!zone && !region) return [{ group: providers, place: '' }]
  const near: T[] = []
  const around: T[] = []
  const far: T[] = []
  for (const provider of providers) {
    // Names of zones are unique only within their region.
    const isOtherRegion = region && provider.region && provider.region !== region
    if (zone && provider.zone === zone && !isOtherRegion) near.push(provider)
    else if (region && provider.region === region) around.push(provider)
    else far.push(provider)
  }
  return [
    { group: near, place: `same zone ${zone}` },
    { group: around, place: `same region ${region}` },
    { group: far, place: `elsewhere than ${[zone, region].filter(Boolean).join(', ')}` },
  ]
}
