type Entry<Owner> = { readonly owner: Owner; deadline: number; armed: number }

/**
 * Deadlines by owner in a lazy binary heap: moving one later costs a comparison.
 *
 * An entry stays in the heap at the time for which it was armed; only when that comes is a later deadline noticed, and
 * the entry armed again. A deadline that moves earlier gets a new entry at once. Entries of removed owners and replaced
 * entries are swept when they are half of the heap: otherwise they would keep their owners in memory, maybe for days.
 */
export function createDeadlineQueue<Owner extends object>() {
  const heap = createHeap<Entry<Owner>>((one, other) => one.armed < other.armed)
  const current = new Map<Owner, Entry<Owner>>()

  /** Sets the owner's deadline, replacing any earlier one. */
  function set(owner: Owner, deadline: number): void {
    const entry = current.get(owner)
    if (entry && deadline >= entry.armed) {
      entry.deadline = deadline
      return
    }
    const replacement = { owner, deadline, armed: deadline }
    current.set(owner, replacement)
    heap.push(replacement)
    if (entry) sweep()
  }

  function remove(owner: Owner): void {
    if (current.delete(owner)) sweep()
  }

  function sweep(): void {
    if (heap.size() >= 2 * current.size) heap.retain(isCurrent)
  }

  function isCurrent(entry: Entry<Owner>): boolean {
    return current.get(entry.owner) === entry
  }

  /** Removes and returns the owners due at `now`, earliest first but for deadlines that moved later. */
  function takeDue(now: number): Owner[] {
    const due: Owner[] = []
    for (let top = heap.peek(); top !== undefined && top.armed <= now; top = heap.peek()) {
      heap.pop()
      if (!isCurrent(top)) continue
      if (top.deadline > now) {
        top.armed = top.deadline
        heap.push(top)
        continue
      }
      current.delete(top.owner)
      due.push(top.owner)
    }
    return due
  }

  return {
    set,
    takeDue,
    delete: remove,
    has: (owner: Owner) => current.has(owner),
    /** The owner's deadline; undefined where none is set. */
    get: (owner: Owner) => current.get(owner)?.deadline,
    /** A lower bound of the earliest deadline; undefined when empty. */
    next: () => heap.peek()?.armed,
    size: () => current.size,
    /** Entries in the heap, outdated ones included. */
    heapSize: heap.size,
  }
}
export type DeadlineQueue<Owner extends object> = ReturnType<typeof createDeadlineQueue<Owner>>

/** A binary heap whose top is the first item by `before`. */
function createHeap<T>(before: (one: T, other: T) => boolean) {
  const items: T[] = []

  function push(item: T): void {
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = items[parent] as T
      if (!before(item, above)) break
      items[at] = above
      at = parent
    }
    items[at] = item
  }

  function pop(): void {
    const last = items.pop()
    if (items.length > 0 && last !== undefined) sink(last)
  }

  function sink(item: T): void {
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= items.length) break
      if (child + 1 < items.length && before(items[child + 1] as T, items[child] as T)) child++
      if (!before(items[child] as T, item)) break
      items[at] = items[child] as T
      at = child
    }
    items[at] = item
  }

  /** Removes the items for which `isKept` is false. */
  function retain(isKept: (item: T) => boolean): void {
    for (const item of items.splice(0).filter(isKept)) push(item)
  }

  return { push, pop, retain, peek: () => items[0], size: () => items.length }
}
