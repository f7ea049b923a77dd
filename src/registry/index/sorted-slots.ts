const maxSingleInserts = 16

/**
 * Slots in the order of their ids.
 *
 * Newcomers wait until somebody asks, then a few are put in one by one and a crowd is merged in at once.
 */
export function createSortedSlots({ idOf }: { idOf: (slot: number) => string }) {
  let slots: number[] = []
  let waiting: number[] = []
  const byId = (one: number, other: number) => (idOf(one) < idOf(other) ? -1 : 1)

  function add(slot: number): void {
    waiting.push(slot)
  }

  /** Takes out slots that have been added; their ids must still be known. */
  function remove(gone: readonly number[]): void {
    settle()
    if (gone.length > maxSingleInserts) {
      const dead = new Set(gone)
      slots = slots.filter((slot) => !dead.has(slot))
      return
    }
    for (const slot of gone) {
      const index = indexAfter(idOf(slot)) - 1
      if (slots[index] === slot) slots.splice(index, 1)
    }
  }

  function settle(): void {
    if (waiting.length === 0) return
    const added = waiting.toSorted(byId)
    waiting = []
    if (added.length <= maxSingleInserts) for (const slot of added) slots.splice(indexAfter(idOf(slot)), 0, slot)
    else slots = merged(slots, added, byId)
  }

  /** Index of the first slot whose id is greater, in `sorted` slots. */
  function indexAfter(id: string, sorted: readonly number[] = slots): number {
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (idOf(sorted[middle] ?? 0) <= id) low = middle + 1
      else high = middle
    }
    return low
  }

  /** Every slot, by id. Good until the next change. */
  function all(): readonly number[] {
    settle()
    return slots
  }

  return { add, remove, all, indexAfter, byId }
}

function merged(one: readonly number[], other: readonly number[], compare: (a: number, b: number) => number): number[] {
  // Where all newcomers come last, as when a store is read in order, nothing has to be compared.
  const [last, first] = [one.at(-1), other[0]]
  if (last === undefined || first === undefined || compare(last, first) < 0) return one.concat(other)
  const all: number[] = []
  let next = 0
  for (const slot of other) {
    while (next < one.length && compare(one[next] ?? 0, slot) < 0) {
      all.push(one[next] ?? 0)
      next += 1
    }
    all.push(slot)
  }
  for (; next < one.length; next += 1) all.push(one[next] ?? 0)
  return all
}
