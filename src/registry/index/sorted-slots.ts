/** Maximum slots that are inserted or removed one by one; more are merged or filtered in one pass. */
const maxSingleEdits = 16

/** Slots in the order of their ids. Added slots are sorted in at the next read. */
export function createSortedSlots({ ids }: { ids: readonly string[] }) {
  let slots: number[] = []
  let pending: number[] = []
  const idOf = (slot: number) => ids[slot] ?? ''
  const byId = (one: number, other: number) => (idOf(one) < idOf(other) ? -1 : 1)

  function add(slot: number): void {
    pending.push(slot)
  }

  /** Removes slots that were added; each must still have its id. */
  function remove(dead: readonly number[]): void {
    insertPending()
    if (dead.length > maxSingleEdits) {
      const removed = new Set(dead)
      slots = slots.filter((slot) => !removed.has(slot))
      return
    }
    for (const slot of dead) {
      const index = indexAfter(idOf(slot)) - 1
      if (slots[index] === slot) slots.splice(index, 1)
    }
  }

  function insertPending(): void {
    if (pending.length === 0) return
    const added = pending.toSorted(byId)
    pending = []
    if (added.length <= maxSingleEdits) for (const slot of added) slots.splice(indexAfter(idOf(slot)), 0, slot)
    else slots = merge(slots, added, byId)
  }

  /** Index of the first slot with a greater id, in `sorted` slots. */
  function indexAfter(id: string, sorted: readonly number[] = slots): number {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (idOf(sorted[middle] ?? 0) <= id) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Every slot, by id. Valid until the next change. */
  function all(): readonly number[] {
    insertPending()
    return slots
  }

  return { add, remove, all, indexAfter, byId }
}

function merge(one: readonly number[], other: readonly number[], compare: (a: number, b: number) => number): number[] {
  // Added in order, as when a store is loaded, all of `other` sorts last: then one comparison is enough.
  const [last, first] = [one.at(-1), other[0]]
  if (last === undefined || first === undefined || compare(last, first) < 0) return one.concat(other)
  const merged: number[] = []
  let next = 0
  for (const slot of other) {
    while (next < one.length && compare(one[next] ?? 0, slot) < 0) {
      merged.push(one[next] ?? 0)
      next += 1
    }
    merged.push(slot)
  }
  for (; next < one.length; next += 1) merged.push(one[next] ?? 0)
  return merged
}
