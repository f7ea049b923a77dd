import { freeBytes } from '../../flow/bytes/free-bytes.ts'
import { createGrowingBuffer } from '../../flow/bytes/growing-buffer.ts'

/** All buffers together may hold this many bytes; beyond it the largest are rejected. */
const maxTotalBytes = 32 * 1024 * 1024
/** What is left after the largest were rejected, so that the next one does not sort them again. */
const keptTotalBytes = maxTotalBytes * (7 / 8)
/** A body may come in this many pieces, and in one more for each `minPieceBytes` of it. */
const maxPieces = 2048
const minPieceBytes = 256

export type BodyBuffer = ReturnType<ReturnType<typeof createBodyBuffers>['open']>

/** Buffers of the bodies in flight. */
export function createBodyBuffers() {
  const open = new Map<object, { readonly capacity: () => number; readonly reject: () => void }>()
  let totalBytes = 0

  /** Rejects the largest: a client that holds many long bodies back does not stop the short ones of others. */
  function rejectLargest(): void {
    const largestFirst = [...open.values()].toSorted((one, other) => other.capacity() - one.capacity())
    for (const { reject } of largestFirst) {
      if (totalBytes <= keptTotalBytes) return
      reject()
    }
  }

  /**
   * A buffer for one body.
   *
   * `onReject` is called where all buffers hold too much and this one is among the largest; it must discard this one.
   */
  function openBuffer(declaredBytes: number, onReject: () => void) {
    const joined = createGrowingBuffer(declaredBytes > 0 ? { firstCapacity: declaredBytes } : {})
    let pieces = 0
    open.set(joined, { capacity: joined.capacity, reject: onReject })

    function uncount(): void {
      if (open.delete(joined)) totalBytes -= joined.capacity()
    }

    return {
      /** Takes a piece, and frees it; false where the pieces are too small for what they cost. */
      add(piece: Buffer): boolean {
        pieces += 1
        if (pieces > maxPieces + (joined.length() + piece.length) / minPieceBytes) return false
        const before = joined.capacity()
        joined.add(piece)
        freeBytes(piece)
        totalBytes += joined.capacity() - before
        if (totalBytes > maxTotalBytes) rejectLargest()
        return true
      },
      length: joined.length,
      /** Ends the buffer, and returns what it holds. */
      close(): Buffer {
        uncount()
        return joined.take()
      },
      /** Ends the buffer, and frees what it holds. */
      discard(): void {
        uncount()
        joined.discard()
      },
    }
  }

  return { open: openBuffer }
}

/** Shared by all requests: their sum is what the process has to bear. */
export const bodyBuffers = createBodyBuffers()
