/** A binary heap: whatever comes first by `before` is on top. */
export function createHeap<T>(before: (one: T, other: T) => boolean) {
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

  function pop(): T | undefined {
    const top = items[0]
    const last = items.pop()
    if (items.length > 0 && last !== undefined) sink(last)
    return top
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

  /** Drops all the others. */
  function retain(isKept: (item: T) => boolean): void {
    for (const item of items.splice(0).filter(isKept)) push(item)
  }

  return { push, pop, retain, peek: () => items[0], size: () => items.length }
}
