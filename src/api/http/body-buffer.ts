/** Size of a buffer at its first piece. */
const minBytes = 4096
/** All buffers together may hold this many bytes; beyond it the largest are rejected. */
const maxTotalBytes = 32 * 1024 * 1024
/** What is left after the largest were rejected, so that the next one does not sort them again. */
const keptTotalBytes = maxTotalBytes * (7 / 8)
/** A body may come in this many pieces, and in one more for each `minPieceBytes` of it. */
const maxPieces = 4096
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
   * A buffer for one body. Its memory grows with the bytes, however many pieces they come in.
   *
   * `onReject` is called where all buffers hold too much and this one is among the largest; it must discard this one.
   */
  function openBuffer(declaredBytes: number, onReject: () => void) {
    let memory = new ArrayBuffer(0)
    let bytes = Buffer.from(memory)
    let length = 0
    let pieces = 0
    const key = {}
    open.set(key, { capacity: () => bytes.length, reject: onReject })

    /** Frees the old memory at once: a collection comes too late for what attackers make the process allocate. */
    function resize(capacity: number): void {
      totalBytes += capacity - memory.byteLength
      memory = memory.transfer(capacity)
      bytes = Buffer.from(memory)
    }

    return {
      /** Takes a piece; false where the pieces are too small for what they cost. */
      add(piece: Buffer): boolean {
        const end = length + piece.length
        pieces += 1
        if (pieces > maxPieces + end / minPieceBytes) return false
        if (end > bytes.length) resize(Math.max(declaredBytes || minBytes, end, bytes.length * 2))
        piece.copy(bytes, length)
        freeBytes(piece)
        length = end
        if (totalBytes > maxTotalBytes) rejectLargest()
        return true
      },
      length: () => length,
      /** Ends the buffer, and returns what it holds. */
      close(): Buffer {
        if (open.delete(key)) totalBytes -= memory.byteLength
        return bytes.subarray(0, length)
      },
      /** Ends the buffer, and frees what it holds. */
      discard(): void {
        if (open.delete(key)) resize(0)
      },
    }
  }

  return { open: openBuffer, totalBytes: () => totalBytes }
}

/**
 * Frees bytes that nothing else needs. As garbage they would wait for a full collection: a burst of registrations left 23 MB
 * of them, and the process never gave that memory back.
 */
export function freeBytes({ buffer, length }: Buffer): void {
  if (length > 0 && buffer.byteLength === length && buffer instanceof ArrayBuffer) buffer.transfer(0)
}

/** Shared by all requests: their sum is what the process has to bear. */
export const bodyBuffers = createBodyBuffers()
