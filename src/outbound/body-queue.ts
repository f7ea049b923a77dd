/** Bytes that may wait for the reader; above it the connection is paused. */
const maxBufferedBytes = 65_536

export type BodyQueue = Pick<ReturnType<typeof createBodyQueue>, 'isComplete' | 'next' | 'drop'>

/** Buffers a response body between its connection and its reader. */
export function createBodyQueue({ resume, abort }: { resume: () => void; abort: (reason: Error) => void }) {
  let chunks: Buffer[] = []
  let bufferedBytes = 0
  let isComplete = false
  let error: Error | undefined
  let wakeReader: (() => void) | undefined

  /** Takes a chunk; false asks the connection to pause. */
  function add(chunk: Buffer): boolean {
    chunks.push(chunk)
    bufferedBytes += chunk.length
    wakeReader?.()
    return bufferedBytes < maxBufferedBytes
  }

  function end(): void {
    isComplete = true
    wakeReader?.()
  }

  function fail(reason: Error): void {
    error ??= reason
    chunks = []
    wakeReader?.()
  }

  /** The next chunk; undefined after the last one. Rejects if the body breaks off. */
  async function next(): Promise<Buffer | undefined> {
    for (;;) {
      if (error) throw error
      const chunk = chunks.shift()
      if (chunk) return release(chunk)
      if (isComplete) return undefined
      await new Promise<void>((resolve) => void (wakeReader = resolve))
    }
  }

  function release(chunk: Buffer): Buffer {
    const wasFull = bufferedBytes >= maxBufferedBytes
    bufferedBytes -= chunk.length
    if (wasFull && bufferedBytes < maxBufferedBytes) resume()
    return chunk
  }

  /** Discards what was not read, and aborts the connection unless the whole body has arrived. */
  function drop(): void {
    if (isComplete || error) return
    const reason = new DOMException('the reader stopped', 'AbortError')
    fail(reason)
    abort(reason)
  }

  return {
    add,
    end,
    fail,
    /** Whether the whole body has arrived, read or not. */
    isComplete: () => isComplete,
    next,
    drop,
  }
}
