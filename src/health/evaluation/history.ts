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
    const packed = results[index] ?? 0
    const reason = reasons[packed % 32] ?? 'ok'
    return {
      at: new Date(times[index] ?? 0).toISOString(),
      ok: reason === 'ok' || reason === 'auth_required',
      reason,
      response_time_ms: Math.floor(packed / 32) / 100,
    }
  }

  return { add, list }
}
export type History = ReturnType<typeof createHistory>
