import type { MeshDependency } from '../../mesh-tool.ts'
import type { Offer } from './offer.ts'

/** All that is known of one capability name. */
export type CapabilityEntry = {
  readonly name: string
  readonly offers: Set<Offer>
  /** The generation in which its offers, or the availability of one of them, changed last. */
  stamp: number
  /** By the name of a capability whose functions require this one: the number of such requirements. */
  readonly dependents: Map<string, number>
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
      entry = { name, offers: new Set(), stamp: absentStamp, dependents: new Map(), pins: 0 }
      entries.set(name, entry)
    }
    return entry
  }

  /** Drops an entry that nothing uses. A result about it must not outlive it unnoticed. */
  function dropUnused(entry: CapabilityEntry): void {
    if (entry.pins > 0 || entry.offers.size > 0 || entry.dependents.size > 0) return
    entries.delete(entry.name)
    absentStamp = changed.size > 0 ? generation + 1 : generation
  }

  function add(offer: Offer): void {
    entryOf(offer.tool.capability).offers.add(offer)
    for (const { capability } of requiredOf(offer)) count(entryOf(capability).dependents, offer.tool.capability, 1)
    changed.add(offer.tool.capability)
  }

  function remove(offer: Offer): void {
    const entry = entryOf(offer.tool.capability)
    entry.offers.delete(offer)
    changed.add(entry.name)
    for (const { capability } of requiredOf(offer)) {
      const required = entryOf(capability)
      count(required.dependents, entry.name, -1)
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
      for (const dependent of entry.dependents.keys()) changed.add(dependent)
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
    /** The offers of one capability, in no order. */
    offersOf: (name: string): ReadonlySet<Offer> => entries.get(name)?.offers ?? noOffers,
  }
}

const noOffers: ReadonlySet<Offer> = new Set()

/** The dependencies without which a function is unavailable. */
export function requiredOf({ tool }: Offer): readonly MeshDependency[] {
  return tool.dependencies.some(({ required }) => required)
    ? tool.dependencies.filter(({ required, capability }) => required && capability !== '')
    : noDependencies
}

const noDependencies: readonly MeshDependency[] = []

function count(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const total = (counts.get(key) ?? 0) + by
  if (total > 0) counts.set(key, total)
  else counts.delete(key)
}
