/** Capacity of a buffer at its first piece. */
const minCapacity = 4096
/** Memory that a buffer keeps for its next pieces. */
const maxKeptCapacity = 256 * 1024

export type GrowingBuffer = ReturnType<typeof createGrowingBuffer>

/**
 * Joins pieces. Its memory grows with their length, however many they are: a list of pieces takes a hundred bytes and more
 * for each.
 */
export function createGrowingBuffer({ firstCapacity = minCapacity }: { firstCapacity?: number } = {}) {
  let memory = new ArrayBuffer(0)
  let bytes = Buffer.from(memory)
  let length = 0

  /** Frees the old memory at once: a collection comes too late for what attackers make the process allocate. */
  function resize(capacity: number): void {
    memory = memory.transfer(capacity)
    bytes = Buffer.from(memory)
  }

  return {
    add(piece: Buffer): void {
      const end = length + piece.length
      if (end > bytes.length) resize(Math.max(firstCapacity, end, bytes.length * 2))
      piece.copy(bytes, length)
      length = end
    },
    length: () => length,
    capacity: () => memory.byteLength,
    /** What is joined so far, until the next call of another function. */
    peek: () => bytes.subarray(0, length),
    /** Begins again in the same memory, unless that is large. */
    clear(): void {
      length = 0
      if (memory.byteLength > maxKeptCapacity) resize(0)
    },
    /** Returns what was joined in memory of its own and of its length, and begins again. */
    take(): Buffer {
      if (length < memory.byteLength) resize(length)
      const content = bytes
      memory = new ArrayBuffer(0)
      bytes = Buffer.from(memory)
      length = 0
      return content
    },
    /** Frees what was joined. */
    discard(): void {
      resize(0)
      length = 0
    },
  }
}
