/** When so much waits for its reader, the other side is held up. */
const mostWaiting = 65_536

export type BodyQueue = Pick<ReturnType<typeof createBodyQueue>, 'isWhole' | 'next' | 'drop'>

/** The body of an answer, between the connection it comes by and whoever reads it. */
export function createBodyQueue({ goOn, cut }: { goOn: () => void; cut: (reason: Error) => void }) {
  let waiting: Buffer[] = []
  let bytes = 0
  let isWhole = false
  let error: Error | undefined
  let wake: (() => void) | undefined

  /** Whether more may come at once. */
  function add(chunk: Buffer): boolean {
    waiting.push(chunk)
    bytes += chunk.length
    wake?.()
    return bytes < mostWaiting
  }

  function end(): void {
    isWhole = true
    wake?.()
  }

  function fail(reason: Error): void {
    error ??= reason
    waiting = []
    wake?.()
  }

  /** The next piece; undefined after the last. Rejects where it breaks off. */
  async function next(): Promise<Buffer | undefined> {
    for (;;) {
      if (error) throw error
      const chunk = waiting.shift()
      if (chunk) return taken(chunk)
      if (isWhole) return undefined
      await new Promise<void>((resolve) => void (wake = resolve))
    }
  }

  function taken(chunk: Buffer): Buffer {
    const wasFull = bytes >= mostWaiting
    bytes -= chunk.length
    if (wasFull && bytes < mostWaiting) goOn()
    return chunk
  }

  /** Lets go of what was not read, and of the connection unless all of it has come. */
  function drop(): void {
    if (isWhole || error) return
    const reason = new DOMException('nobody reads on', 'AbortError')
    fail(reason)
    cut(reason)
  }

  return {
    add,
    end,
    fail,
    /** Whether all of it has come, read or not. */
    isWhole: () => isWhole,
    next,
    drop,
  }
}
