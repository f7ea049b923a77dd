import { rendezvousChoice } from '../../model/balancing/rendezvous.ts'

/** How consumers are spread over the equal providers of one dependency. */
export type SpreadGroup = {
  /** By consumer: its provider. */
  readonly assignments: Map<string, string>
  /** By provider: the number of its consumers. Absent while there are few consumers: then they are counted when asked. */
  loads: Map<string, number> | undefined
  /** The number of equal providers at the last assignment. */
  providers: number
}

/** Ids of equal providers. */
type Providers = Pick<ReadonlySet<string>, 'size' | 'has'> & { keys(): Iterable<string> }

/** The share of the mean that a provider may have. */
const maxOverload = 1.25
/** Most dependencies have few consumers, and a map for each of them takes memory. */
const maxCountedConsumers = 16

export function createSpreadGroup(): SpreadGroup {
  return { assignments: new Map(), loads: undefined, providers: 0 }
}

/** The most consumers that a provider keeps. Never below the mean, so that there is always a provider with room. */
export function loadBound(consumers: number, providers: number): number {
  return Math.max(Math.ceil(consumers / providers), Math.floor((maxOverload * consumers) / providers))
}

/**
 * Assigns a provider to a consumer: the one it has, while that is among the equal ones and within the bound; else the one
 * with the highest hash for this consumer among those with room (rendezvous hashing with bounded loads).
 *
 * A provider that leaves moves only its own consumers: the bound of the others grows. `previous`: the provider that the
 * consumer had before the group knew it.
 */
export function assignProvider(group: SpreadGroup, consumer: string, providers: Providers, previous?: string): string {
  const assigned = group.assignments.get(consumer)
  const consumers = group.assignments.size + (assigned === undefined ? 1 : 0)
  const bound = loadBound(consumers, providers.size)
  group.providers = providers.size
  if (assigned !== undefined && providers.has(assigned) && loadOf(group, assigned) <= bound) return assigned
  if (assigned !== undefined) setAssignment(group, consumer, undefined)
  const hasRoom = (provider: string) => loadOf(group, provider) < bound
  const isKept = previous !== undefined && providers.has(previous) && hasRoom(previous)
  const chosen = isKept ? previous : rendezvousChoice(consumer, providers.keys(), hasRoom)
  setAssignment(group, consumer, chosen)
  return chosen
}

/** The provider that `assignProvider` would choose; changes nothing. */
export function likelyProvider(
  group: SpreadGroup | undefined,
  consumer: string,
  providers: Providers,
  previous?: string,
): string {
  const known = group?.assignments.get(consumer) ?? previous
  if (known !== undefined && providers.has(known)) return known
  const bound = loadBound((group?.assignments.size ?? 0) + 1, providers.size)
  return rendezvousChoice(consumer, providers.keys(), (provider) => !group || loadOf(group, provider) < bound)
}

/** Takes a consumer out; returns whether a provider has more consumers than the bound since. */
export function releaseConsumer(group: SpreadGroup, consumer: string): boolean {
  const { assignments, providers } = group
  const assigned = assignments.get(consumer)
  if (assigned === undefined) return false
  const before = loadBound(assignments.size, providers)
  setAssignment(group, consumer, undefined)
  const bound = loadBound(assignments.size, providers)
  if (bound === before) return false
  return loadsOf(group)
    .values()
    .some((load) => load > bound)
}

export function loadOf({ loads, assignments }: SpreadGroup, provider: string): number {
  if (loads) return loads.get(provider) ?? 0
  let load = 0
  for (const assigned of assignments.values()) if (assigned === provider) load += 1
  return load
}

/** By provider: the number of its consumers. */
export function loadsOf({ loads, assignments }: SpreadGroup): ReadonlyMap<string, number> {
  if (loads) return loads
  const counted = new Map<string, number>()
  for (const assigned of assignments.values()) counted.set(assigned, (counted.get(assigned) ?? 0) + 1)
  return counted
}

/** Assigns a provider to a consumer; undefined: none any more. */
function setAssignment(group: SpreadGroup, consumer: string, provider: string | undefined): void {
  const { assignments, loads } = group
  const before = assignments.get(consumer)
  if (provider === undefined) assignments.delete(consumer)
  else assignments.set(consumer, provider)
  if (loads) {
    changeLoad(loads, before, -1)
    changeLoad(loads, provider, 1)
  } else if (assignments.size > maxCountedConsumers) group.loads = new Map(loadsOf(group))
}

function changeLoad(loads: Map<string, number>, provider: string | undefined, by: 1 | -1): void {
  if (provider === undefined) return
  const load = (loads.get(provider) ?? 0) + by
  if (load > 0) loads.set(provider, load)
  else loads.delete(provider)
}
