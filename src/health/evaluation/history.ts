import { Reason } from '../../model/health.ts'

const maxResults = 60
const reasons = Reason.options

/** One past probe, as the API shows it. */
export type PastProbe = {
  readonly at: string
  readonly ok: boolean
  readonly reason: Reason
  readonly response_time_ms: number
}

/**
 * The last 60 results of one target, in two typed arrays.
 *
 * As objects, the results of ten thousand targets would be most of the daemon's memory.
 */
export function createHistory() {
  let times = new Float64Array(4)
  let results = new Uint32Array(4)
  let count = 0

  function add(at: number, reason: Reason, responseMs: number): void {
    if (count === times.length && count < maxResults) grow()
    const index = count % times.length
    times[index] = at
    // Five bits of reason, above them hundredths of a millisecond.
    results[index] = Math.min(Math.round(responseMs * 100), 2 ** 27 - 1) * 32 + reasons.indexOf(reason)
    count++
  }

  function grow(): void {
    const size = Math.min(maxResults, times.length * 2)
    const [oldTimes, oldResults] = [times, results]
    times = new Float64Array(size)
    results = new Uint32Array(size)
    times.set(oldTimes)
    results.set(oldResults)
  }

  /** Oldest first. */
  function list(): PastProbe[] {
    const size = Math.min(count, times.length)
    return Array.from({ length: size }, (_, index) => pastProbe((count - size + index) % times.length))
  }

  function pastProbe(index: number): PastProbe {
    return unpack(times[index] ?? 0, results[index] ?? 0)
  }

  /** The results in ten bytes each, oldest first. */
  function encode(): Buffer {
    const size = Math.min(count, times.length)
    const bytes = Buffer.alloc(size * resultBytes)
    for (let at = 0; at < size; at += 1) {
      const index = (count - size + at) % times.length
      bytes.writeUIntLE(Math.max(0, Math.round(times[index] ?? 0)), at * resultBytes, 6)
      bytes.writeUInt32LE(results[index] ?? 0, at * resultBytes + 6)
    }
    return bytes
  }

  return { add, list, encode }
}
export type History = ReturnType<typeof createHistory>

const resultBytes = 10
/** Bytes of a full history. */
export const maxHistoryBytes = maxResults * resultBytes

/** The results of `encode`. */
export function decodeHistory(bytes: Buffer): PastProbe[] {
  return Array.from({ length: Math.min(maxResults, Math.floor(bytes.length / resultBytes)) }, (_, index) =>
    unpack(bytes.readUIntLE(index * resultBytes, 6), bytes.readUInt32LE(index * resultBytes + 6)),
  )
}

/** The newest results of an earlier process and of this one. */
export function joinHistories(earlier: readonly PastProbe[], since: readonly PastProbe[]): PastProbe[] {
  return [...earlier, ...since].slice(-maxResults)
}

function unpack(at: number, packed: number): PastProbe {
  const reason = reasons[packed % 32] ?? 'ok'
  return {
    at: new Date(at).toISOString(),
    ok: reason === 'ok' || reason === 'auth_required',
    reason,
    response_time_ms: Math.floor(packed / 32) / 100,
  }
}
