import { countBits, hasBit, hasSlot, intersect, type Posting, sizeOf, slotsOf, union } from './postings.ts'
import type { QueryPlan } from './query-plan.ts'

/** Slots that a plan found: as a list where they are few, as bits where they are many. */
export type SlotSet = { readonly slots: readonly number[] } | { readonly words: Uint32Array }

/**
 * What is in `everything`, in one posting of each of `all` and in none of `none`.
 *
 * Begins with the smallest: where it is small, each of its slots is looked up in the others; else all are laid over each
 * other, 32 slots at a time.
 */
export function evaluatePlan(
  { all, none }: Pick<QueryPlan, 'all' | 'none'>,
  everything: Posting | undefined,
  capacity: number,
): SlotSet {
  if (everything === undefined) return { slots: [] }
  const [smallest, ...others] = [...all, [everything]].toSorted((one, other) => sum(one) - sum(other))
  if (smallest === undefined || smallest.length === 0) return { slots: [] }
  if (sum(smallest) * 32 > capacity) return { words: intersectAsBits([smallest, ...others], none, capacity) }
  const slots = new Set(smallest.flatMap((posting) => [...slotsOf(posting)]))
  const inAll = (slot: number) =>
    others.every((postings) => postings.some((posting) => hasSlot(posting, slot))) &&
    !none.some((posting) => hasSlot(posting, slot))
  return { slots: [...slots].filter(inAll) }
}

function intersectAsBits(
  all: readonly (readonly Posting[])[],
  none: readonly Posting[],
  capacity: number,
): Uint32Array {
  const length = (capacity + 31) >>> 5
  const [first = [], ...others] = all
  const words = union(first, length)
  for (const postings of others) intersect(words, union(postings, length))
  if (none.length > 0) intersect(words, union(none, length), { without: true })
  return words
}

function sum(postings: readonly Posting[]): number {
  let all = 0
  for (const posting of postings) all += sizeOf(posting)
  return all
}

export function countSlots(found: SlotSet): number {
  return 'slots' in found ? found.slots.length : countBits(found.words)
}

/** Whether a slot that may have been found was. */
export function membershipOf(found: SlotSet): (slot: number) => boolean {
  return 'slots' in found ? () => true : (slot) => hasBit(found.words, slot)
}

/** Those that hold to `test`, as a list or as bits as they were found. */
export function filterSlots(found: SlotSet, test: (slot: number) => boolean): SlotSet {
  if ('slots' in found) return { slots: found.slots.filter(test) }
  const words = new Uint32Array(found.words.length)
  for (const [index, word] of found.words.entries()) {
    for (let rest = word; rest !== 0; rest &= rest - 1) {
      const bit = 31 - Math.clz32(rest & -rest)
      if (test(index * 32 + bit)) words[index] = (words[index] ?? 0) | (1 << bit)
    }
  }
  return { words }
}

/** What was found, without the slots of `but`, and with those of `and`. */
export function replaceSlots(found: SlotSet, but: ReadonlySet<number>, and: readonly number[]): SlotSet {
  if ('slots' in found) return { slots: found.slots.filter((slot) => !but.has(slot)).concat(and) }
  for (const slot of but) found.words[slot >>> 5] = (found.words[slot >>> 5] ?? 0) & ~(1 << (slot & 31))
  for (const slot of and) found.words[slot >>> 5] = (found.words[slot >>> 5] ?? 0) | (1 << (slot & 31))
  return found
}

/** The same slots as bits where they are so many that going through all in order is cheaper than sorting them. */
export function toBitsIfLarge(found: SlotSet, capacity: number): SlotSet {
  if ('words' in found || found.slots.length * 32 <= capacity) return found
  const words = new Uint32Array((capacity + 31) >>> 5)
  for (const slot of found.slots) words[slot >>> 5] = (words[slot >>> 5] ?? 0) | (1 << (slot & 31))
  return { words }
}
