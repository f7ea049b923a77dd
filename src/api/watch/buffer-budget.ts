/** A stream that holds bytes which its client has not read yet. */
export type Laggard = {
  /** Bytes that its client lacks. */
  readonly bytesBehind: () => number
  /** Ends the stream and frees its bytes. */
  readonly cut: () => void
}

/** The share of the limit that is left after a cut, so that the next byte does not sort all streams again. */
const keptShare = 7 / 8

/**
 * Bounds the bytes that slow streams hold together. Beyond the limit those furthest behind are cut first.
 *
 * Streams may hold the same events: these count once.
 */
export function createBufferBudget({ maxBytes }: { maxBytes: () => number }) {
  const held = new Map<Laggard, object>()
  const memories = new Map<object, { bytes: number; holders: number }>()
  let total = 0

  /** Counts what a stream holds, instead of what it held before. */
  function hold(laggard: Laggard, memory: object, bytes: number): void {
    release(laggard)
    const counted = memories.get(memory) ?? { bytes: 0, holders: 0 }
    memories.set(memory, counted)
    held.set(laggard, memory)
    counted.holders += 1
    total += bytes - counted.bytes
    counted.bytes = bytes
    if (total > maxBytes()) cutFurthestBehind()
  }

  function release(laggard: Laggard): void {
    const memory = held.get(laggard)
    const counted = memory && memories.get(memory)
    held.delete(laggard)
    if (!memory || !counted) return
    counted.holders -= 1
    if (counted.holders > 0) return
    memories.delete(memory)
    total -= counted.bytes
  }

  function cutFurthestBehind(): void {
    const keptBytes = maxBytes() * keptShare
    const furthestFirst = [...held.keys()]
      .map((laggard) => ({ laggard, behind: laggard.bytesBehind() }))
      .toSorted((one, other) => other.behind - one.behind)
    for (const { laggard } of furthestFirst) {
      if (total <= keptBytes) return
      release(laggard)
      laggard.cut()
    }
  }

  return { hold, release, bytes: () => total }
}
export type BufferBudget = ReturnType<typeof createBufferBudget>
