import { createGrowingBuffer } from '../flow/bytes/growing-buffer.ts'
import { MalformedResponse } from './outbound-error.ts'

/** Bytes that may wait for the reader; above it the connection is paused. */
const maxBufferedBytes = 65_536

/** A chunk of this length waits as it came; joining it would cost more than it saves. */
const minKeptBytes = 4096

/** A body may come in this many chunks, and in one more for each `minChunkBytes` of it: each chunk costs time. */
const maxChunks = 8192
const minChunkBytes = 32

export type BodyQueue = Pick<ReturnType<typeof createBodyQueue>, 'isComplete' | 'next' | 'drop'>

/** Buffers a response body between its connection and its reader. */
export function createBodyQueue({ resume, abort }: { resume: () => void; abort: (reason: Error) => void }) {
  /** Chunks that wait as they came: the first one, and long ones. Short ones behind them are joined. */
  let waiting: Buffer[] = []
  const joined = createGrowingBuffer()
  let bufferedBytes = 0
  let receivedBytes = 0
  let receivedChunks = 0
  let isComplete = false
  let error: Error | undefined
  let wakeReader: (() => void) | undefined

  /** Takes a chunk; false asks the connection to pause. */
  function add(chunk: Buffer): boolean {
    if (error) return true
    receivedBytes += chunk.length
    receivedChunks += 1
    if (receivedChunks > maxChunks + receivedBytes / minChunkBytes) {
      breakOff(new MalformedResponse(tooManyChunks))
      return true
    }
    if (bufferedBytes > 0 && chunk.length < minKeptBytes) joined.add(chunk)
    else waiting.push(...(joined.length() > 0 ? [joined.take()] : []), chunk)
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
    waiting = []
    joined.discard()
    bufferedBytes = 0
    wakeReader?.()
  }

  function breakOff(reason: Error): void {
    fail(reason)
    abort(reason)
  }

  /** The next bytes; undefined after the last ones. Rejects if the body breaks off. */
  async function next(): Promise<Buffer | undefined> {
    for (;;) {
      if (error) throw error
      if (bufferedBytes > 0) return take()
      if (isComplete) return undefined
      await new Promise<void>((resolve) => void (wakeReader = resolve))
    }
  }

  function take(): Buffer {
    const wasFull = bufferedBytes >= maxBufferedBytes
    const chunk = waiting.shift() ?? joined.take()
    bufferedBytes -= chunk.length
    if (wasFull && bufferedBytes < maxBufferedBytes) resume()
    return chunk
  }

  /** Discards what was not read, and aborts the connection unless the whole body has arrived. */
  function drop(): void {
    if (isComplete || error) return
    breakOff(new DOMException('the reader stopped', 'AbortError'))
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

const tooManyChunks = 'the body comes in too many small chunks'
