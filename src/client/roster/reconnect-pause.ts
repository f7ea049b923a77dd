import { createBackoff } from '../../flow/backoff.ts'
import type { RosterError } from './error.ts'

/** Minimum pause, even for `Retry-After: 0`. */
const minPauseMs = 100
/** Maximum pause of our own choice: a client is back within five seconds of the return of its roster. */
const defaultMaxBackoffMs = 4000
/** Range of the pause while the roster reads its sources after a start. */
const notReadyMs = { min: 1000, max: 3000 }

/**
 * The pause before the next attempt to reach a roster, in ms: the one that it asks for, else doubled after each failure, with
 * full jitter. A roster that answers that it is not ready has returned: the pause does not grow then.
 */
export function createReconnectPause({
  maxMs = 30_000,
  maxBackoffMs = defaultMaxBackoffMs,
  random = Math.random,
}: { maxMs?: number; maxBackoffMs?: number | undefined; random?: () => number } = {}) {
  const backoff = createBackoff({ maxMs: Math.min(maxMs, maxBackoffMs), random })
  /** Pause of the stream's `retry` field: the roster spreads its reconnecting clients. */
  let advisedMs: number | undefined

  function wanted({ retryAfterMs, code }: RosterError): number {
    const advised = backoff.failures() === 0 ? advisedMs : undefined
    if (code === 'not_ready') {
      backoff.reset()
      const longest = Math.min(notReadyMs.max, maxBackoffMs)
      return retryAfterMs ?? notReadyMs.min + (longest - notReadyMs.min) * random()
    }
    const own = backoff.next()
    return retryAfterMs ?? advised ?? own
  }

  return {
    next: (error: RosterError): number => Math.min(maxMs, Math.max(minPauseMs, wanted(error))),
    advise: (ms: number) => void (advisedMs = ms),
    /** The roster has answered as expected. */
    connected: backoff.reset,
  }
}
