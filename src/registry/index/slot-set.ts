import { countBits, hasBit, hasSlot, intersect, type Posting, sizeOf, slotsOf, union } from './postings.ts'
import type { QueryPlan } from './query-plan.ts'

/** A set of slots: a list while it is small, bits when it is large. */
export type SlotSet = { readonly slots: readonly number[] } | { readonly words: Uint32Array }

/**
 * The slots that are in `everything`, in one posting of each of `required`, and in none of `excluded`.
 *
 * Starts from the smallest term. If that is small, each of its slots is looked up in the other terms; else all terms are
 * intersected as bits, 32 slots at a time.
 */
export function evaluatePlan(
  { required, excluded }: Pick<QueryPlan, 'required' | 'excluded'>,
  everything: Posting | undefined,
  capacity: number,
): SlotSet {
  if (everything === undefined) return { slots: [] }
  const [smallest, ...others] = [...required, [everything]].toSorted((one, other) => totalSize(one) - totalSize(other))
  if (smallest === undefined || smallest.length === 0) return { slots: [] }
  if (totalSize(smallest) * 32 > capacity) return { words: intersectAsBits([smallest, ...others], excluded, capacity) }
  const slots = new Set(smallest.flatMap((posting) => [...slotsOf(posting)]))
  const isMatch = (slot: number) =>
    others.every((postings) => postings.some((posting) => hasSlot(posting, slot))) &&
    !excluded.some((posting) => hasSlot(posting, slot))
  return { slots: [...slots].filter(isMatch) }
}

function intersectAsBits(
  required: readonly (readonly Posting[])[],
  excluded: readonly Posting[],
  capacity: number,
): Uint32Array {
  const length = (capacity + 31) >>> 5
  const [first = [], ...others] = required
  const words = union(first, length)
  for (const postings of others) intersect(words, union(postings, length))
  if (excluded.length > 0) intersect(words, union(excluded, length), { without: true })
  return words
}

function totalSize(postings: readonly Posting[]): number {
  let total = 0
  for (const posting of postings) total += sizeOf(posting)
  return total
}

export function countSlots(set: SlotSet): number {
  return 'slots' in set ? set.slots.length : countBits(set.words)
}

/** A test of membership; for a list, it is valid for slots of the list only. */
export function membershipOf(set: SlotSet): (slot: number) => boolean {
  return 'slots' in set ? () => true : (slot) => hasBit(set.words, slot)
}

/** The slots that pass `test`, in the same representation. */
export function filterSlots(set: SlotSet, test: (slot: number) => boolean): SlotSet {
  if ('slots' in set) return { slots: set.slots.filter(test) }
  const words = new Uint32Array(set.words.length)
  for (const [index, word] of set.words.entries()) {
    for (let rest = word; rest !== 0; rest &= rest - 1) {
      const bit = 31 - Math.clz32(rest & -rest)
      if (test(index * 32 + bit)) words[index] = (words[index] ?? 0) | (1 << bit)
    }
  }
  return { words }
}

/** The set without the slots of `without`, then with those of `added`. Changes the bits of `set` in place. */
export function replaceSlots(set: SlotSet, without: ReadonlySet<number>, added: readonly number[]): SlotSet {
  if ('slots' in set) return { slots: set.slots.filter((slot) => !without.has(slot)).concat(added) }
  for (const slot of without) set.words[slot >>> 5] = (set.words[slot >>> 5] ?? 0) & ~(1 << (slot & 31))
  for (const slot of added) set.words[slot >>> 5] = (set.words[slot >>> 5] ?? 0) | (1 << (slot & 31))
  return set
}

/** The set as bits where it is so large that visiting every slot in order is cheaper than sorting a list. */
export function toBitsIfLarge(set: SlotSet, capacity: number): SlotSet {
  if ('words' in set || set.slots.length * 32 <= capacity) return set
  const words = new Uint32Array((capacity + 31) >>> 5)
  for (const slot of set.slots) words[slot >>> 5] = (words[slot >>> 5] ?? 0) | (1 << (slot & 31))
  return { words }
}
