import type { BalancedProvider } from './provider.ts'
import { rendezvousWeights } from './rendezvous.ts'

export type Choice<T> = {
  readonly provider: T
  /** Why it has this place, in words: "lower of two latencies, 12 ms against 40 ms". */
  readonly reason: string
}

type OrderingOptions = {
  readonly key: string
  readonly turn: number
  readonly random: () => number
  /** Number of providers that are needed. */
  readonly limit: number
}

/** Orders providers, best first. */
export type Ordering = <T extends BalancedProvider>(providers: readonly T[], options: OrderingOptions) => Choice<T>[]

/** Shuffles. */
const random: Ordering = (providers, options) =>
  drawn(providers, options, (left) => ({
    index: indexBelow(left.length, options),
    reason: `random of ${left.length}`,
  }))

/** Starts one further at each turn; by id, so that it is a circle whatever the order of the providers. */
const roundRobin: Ordering = (providers, { turn, limit }) => {
  const circle = providers.toSorted(byId)
  const count = circle.length
  return Array.from({ length: Math.min(limit, count) }, (_, step) => {
    const at = (turn + step) % count
    return { provider: circle[at]!, reason: `round robin, ${at + 1} of ${count}` }
  })
}

/**
 * Power of two choices: of two random ones the one that answers sooner. No provider gets all calls, even if the figures are old.
 *
 * A latency counts once for the call to be made and once for each call in flight. What was never measured counts as the mean of the others: it is tried, but not
 * preferred.
 */
const fastest: Ordering = (providers, options) => {
  const mean = meanOf(providers.map(({ latencyMs }) => latencyMs)) ?? 0
  const costOf = ({ latencyMs = mean, inFlight = 0 }: BalancedProvider) => latencyMs * (1 + inFlight)

  return drawn(providers, options, (left) => {
    if (left.length === 1) return { index: 0, reason: `the only one left, ${latencyText(left[0]!)}` }
    const one = indexBelow(left.length, options)
    const two = (one + 1 + indexBelow(left.length - 1, options)) % left.length
    const [index, other] = costOf(left[two]!) < costOf(left[one]!) ? [two, one] : [one, two]
    return {
      index,
      reason: `lower of two latencies, ${latencyText(left[index]!)} against ${latencyText(left[other]!)}`,
    }
  })
}

/** The lowest load that providers report, then the fewest own calls in flight; random among equals. */
const leastLoad: Ordering = (providers, { random: next, limit }) => {
  const mean = meanOf(providers.map(({ load }) => load)) ?? 0
  return providers
    .map((provider) => ({ provider, load: provider.load ?? mean, inFlight: provider.inFlight ?? 0, lot: next() }))
    .toSorted((a, b) => a.load - b.load || a.inFlight - b.inFlight || a.lot - b.lot)
    .slice(0, limit)
    .map(({ provider }, place) => ({ provider, reason: loadText(provider, place, providers.length) }))
}

/** Rendezvous hashing: a key keeps its provider while that is there. */
const sticky: Ordering = (providers, { key, limit }) => {
  const weightOf = rendezvousWeights(key)
  return providers
    .map((provider) => ({ provider, weight: weightOf(provider.id) }))
    .toSorted((a, b) => b.weight - a.weight || byId(a.provider, b.provider))
    .slice(0, limit)
    .map(({ provider }, place) => ({ provider, reason: `${placeText(place)} for this key of ${providers.length}` }))
}

export const orderings = { random, round_robin: roundRobin, fastest, least_load: leastLoad, sticky } as const

/** Draws one provider after the other, without replacement. */
function drawn<T extends BalancedProvider>(
  providers: readonly T[],
  { limit }: OrderingOptions,
  draw: (left: readonly T[]) => { readonly index: number; readonly reason: string },
): Choice<T>[] {
  const left = [...providers]
  const choices: Choice<T>[] = []
  while (left.length > 0 && choices.length < limit) {
    const { index, reason } = draw(left)
    choices.push({ provider: left[index]!, reason })
    const last = left.pop()!
    if (index < left.length) left[index] = last
  }
  return choices
}

function indexBelow(count: number, { random: next }: Pick<OrderingOptions, 'random'>): number {
  return Math.min(count - 1, Math.floor(next() * count))
}

function byId(a: BalancedProvider, b: BalancedProvider): number {
  if (a.id === b.id) return 0
  return a.id < b.id ? -1 : 1
}

function meanOf(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined)
  if (known.length === 0) return undefined
  let sum = 0
  for (const value of known) sum += value
  return sum / known.length
}

function latencyText({ latencyMs, inFlight = 0 }: BalancedProvider): string {
  const latency = latencyMs === undefined ? 'not measured' : `${rounded(latencyMs)} ms`
  return inFlight === 0 ? latency : `${latency} with ${inFlight} in flight`
}

function loadText({ load, inFlight }: BalancedProvider, place: number, count: number): string {
  const reported = load === undefined ? 'reports no load' : `load ${rounded(load)}`
  const calls = inFlight === undefined ? '' : `, ${inFlight} in flight`
  return `${place === 0 ? 'least load' : `${place + 1}. by load`} of ${count}: ${reported}${calls}`
}

function placeText(place: number): string {
  return place === 0 ? 'highest hash' : `${place + 1}. by hash`
}

/** Two digits are enough for people. */
function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
