import type { MeshDependency } from '../../mesh-tool.ts'
import type { Offer } from './offer.ts'

/** All that is known of one capability name. */
export type CapabilityEntry = {
  readonly name: string
  offers: Offer[]
  /** The generation in which its offers, or the availability of one of them, changed last. */
  stamp: number
  /** By the name of a capability whose functions require this one: the number of such requirements. Absent: none. */
  dependents: Map<string, number> | undefined
  /** Dependencies that name it. */
  pins: number
}

export type CapabilityIndex = ReturnType<typeof createCapabilityIndex>

/**
 * The offers by capability, and in which generation each capability changed last.
 *
 * A change of one capability is a change of every capability whose functions require it, however indirectly. So a result
 * that depends on one capability is valid for as long as the stamp of that capability stays.
 */
export function createCapabilityIndex() {
  const entries = new Map<string, CapabilityEntry>()
  /** Names whose change is not yet stamped. */
  const changed = new Set<string>()
  let generation = 1
  /** The stamp of names without an entry. */
  let absentStamp = 0

  function entryOf(name: string): CapabilityEntry {
    let entry = entries.get(name)
    if (!entry) {
      entry = { name, offers: [], stamp: absentStamp, dependents: undefined, pins: 0 }
      entries.set(name, entry)
    }
    return entry
  }

  /** Drops an entry that nothing uses. A result about it must not outlive it unnoticed. */
  function dropUnused(entry: CapabilityEntry): void {
    if (entry.pins > 0 || entry.offers.length > 0 || entry.dependents) return
    entries.delete(entry.name)
    absentStamp = changed.size > 0 ? generation + 1 : generation
  }

  function add(offer: Offer): void {
    addOffer(entryOf(offer.tool.capability), offer)
    for (const { capability } of requiredOf(offer)) countDependent(entryOf(capability), offer.tool.capability, 1)
    changed.add(offer.tool.capability)
  }

  function remove(offer: Offer): void {
    const entry = entryOf(offer.tool.capability)
    removeOffer(entry, offer)
    changed.add(entry.name)
    for (const { capability } of requiredOf(offer)) {
      const required = entryOf(capability)
      countDependent(required, entry.name, -1)
      dropUnused(required)
    }
    dropUnused(entry)
  }

  /** Marks a capability as changed where something depends on it. */
  function touch(name: string): void {
    if (entries.has(name)) changed.add(name)
  }

  /** Keeps the entry of a capability until `unpin`. */
  function pin(name: string): CapabilityEntry {
    const entry = entryOf(name)
    entry.pins += 1
    return entry
  }

  function unpin(entry: CapabilityEntry): void {
    entry.pins -= 1
    dropUnused(entry)
  }

  /** The present generation, with every change stamped. */
  function settle(): number {
    if (changed.size === 0) return generation
    generation += 1
    // A set iterates over what is added meanwhile.
    for (const name of changed) {
      const entry = entries.get(name)
      if (!entry) continue
      entry.stamp = generation
      for (const dependent of entry.dependents?.keys() ?? []) changed.add(dependent)
    }
    changed.clear()
    return generation
  }

  return {
    add,
    remove,
    touch,
    pin,
    unpin,
    settle,
    size: () => entries.size,
    /** The generation in which a capability changed last. */
    stampOf: (name: string): number => entries.get(name)?.stamp ?? absentStamp,
    /** The offers of one capability; those of one provider in the order of declaration. */
    offersOf: (name: string): readonly Offer[] => entries.get(name)?.offers ?? noOffers,
  }
}

const noOffers: readonly Offer[] = []

/** Lists up to this length take no more memory than their offers need. */
const maxExactOffers = 16

/** The dependencies without which a function is unavailable. */
export function requiredOf({ tool }: Offer): readonly MeshDependency[] {
  return tool.dependencies.some(({ required }) => required)
    ? tool.dependencies.filter(({ required, capability }) => required && capability !== '')
    : noDependencies
}

const noDependencies: readonly MeshDependency[] = []

/** `push` would reserve room for 17 offers, where most capabilities have a few. */
function addOffer(entry: CapabilityEntry, offer: Offer): void {
  if (entry.offers.length < maxExactOffers) entry.offers = entry.offers.concat(offer)
  else entry.offers.push(offer)
}

/** Keeps the order: of equal functions of one provider, the first declared is chosen. */
function removeOffer({ offers }: CapabilityEntry, offer: Offer): void {
  const at = offers.lastIndexOf(offer)
  if (at >= 0) offers.splice(at, 1)
}

function countDependent(entry: CapabilityEntry, dependent: string, by: 1 | -1): void {
  const counts = (entry.dependents ??= new Map())
  const total = (counts.get(dependent) ?? 0) + by
  if (total > 0) counts.set(dependent, total)
  else counts.delete(dependent)
  if (counts.size === 0) entry.dependents = undefined
}
