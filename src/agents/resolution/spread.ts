/** How consumers are spread over the equal providers of one dependency. */
export type SpreadGroup = {
  /** By consumer: its provider. */
  readonly assignments: Map<string, string>
  /** By provider: the number of its consumers. */
  readonly loads: Map<string, number>
  /** The number of equal providers at the last assignment. */
  providers: number
}

/** The share of the mean that a provider may have. */
const maxOverload = 1.25

export function createSpreadGroup(): SpreadGroup {
  return { assignments: new Map(), loads: new Map(), providers: 0 }
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
export function assignProvider(
  group: SpreadGroup,
  consumer: string,
  providers: ReadonlyMap<string, unknown>,
  previous?: string,
): string {
  const assigned = group.assignments.get(consumer)
  const consumers = group.assignments.size + (assigned === undefined ? 1 : 0)
  const bound = loadBound(consumers, providers.size)
  group.providers = providers.size
  if (assigned !== undefined && providers.has(assigned) && loadOf(group, assigned) <= bound) return assigned
  if (assigned !== undefined) changeLoad(group, assigned, -1)
  const hasRoom = (provider: string) => loadOf(group, provider) < bound
  const isKept = previous !== undefined && providers.has(previous) && hasRoom(previous)
  const chosen = isKept ? previous : highestHash(consumer, providers, hasRoom)
  group.assignments.set(consumer, chosen)
  changeLoad(group, chosen, 1)
  return chosen
}

/** The provider that `assignProvider` would choose; changes nothing. */
export function likelyProvider(
  group: SpreadGroup | undefined,
  consumer: string,
  providers: ReadonlyMap<string, unknown>,
  previous?: string,
): string {
  const known = group?.assignments.get(consumer) ?? previous
  if (known !== undefined && providers.has(known)) return known
  const bound = loadBound((group?.assignments.size ?? 0) + 1, providers.size)
  return highestHash(consumer, providers, (provider) => !group || loadOf(group, provider) < bound)
}

/** Takes a consumer out; returns whether a provider has more consumers than the bound since. */
export function releaseConsumer(group: SpreadGroup, consumer: string): boolean {
  const { assignments, providers } = group
  const assigned = assignments.get(consumer)
  if (assigned === undefined) return false
  const before = loadBound(assignments.size, providers)
  assignments.delete(consumer)
  changeLoad(group, assigned, -1)
  const bound = loadBound(assignments.size, providers)
  if (bound === before) return false
  for (const load of group.loads.values()) if (load > bound) return true
  return false
}

export function loadOf({ loads }: SpreadGroup, provider: string): number {
  return loads.get(provider) ?? 0
}

function changeLoad({ loads }: SpreadGroup, provider: string, by: 1 | -1): void {
  const load = (loads.get(provider) ?? 0) + by
  if (load > 0) loads.set(provider, load)
  else loads.delete(provider)
}

function highestHash(
  consumer: string,
  providers: ReadonlyMap<string, unknown>,
  hasRoom: (provider: string) => boolean,
): string {
  const seed = hashText(consumer, 0)
  let [best, highest] = ['', -1]
  for (const provider of providers.keys()) {
    if (!hasRoom(provider)) continue
    const hash = hashText(provider, seed)
    if (hash > highest || (hash === highest && provider < best)) [best, highest] = [provider, hash]
  }
  return best
}

/** FNV-1a with the finalizer of MurmurHash3: cheap, and texts that differ by one character get unrelated hashes. */
function hashText(text: string, seed: number): number {
  let hash = seed ^ 0x811c9dc5
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
