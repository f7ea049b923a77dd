import { createBackoff } from '../../flow/backoff.ts'
import type { Log } from '../../log.ts'
import { StoreUnavailable } from '../store.ts'

/**
 * Knows whether the database is up. Once a call finds it unavailable, further ones are refused at once, and `mend` is
 * tried with backoff until it succeeds.
 */
export function createCircuitBreaker({ mend, onUp, log }: { mend: () => Promise<void>; onUp: () => void; log: Log }) {
  const backoff = createBackoff({ firstMs: 250, maxMs: 5000 })
  let since = performance.now()
  let reason: string | undefined
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let nextTry = 0
  let closed = false

  const isUp = () => reason === undefined && !closed

  async function attempt<T>(work: () => Promise<T>): Promise<T> {
    if (closed) throw new StoreUnavailable('the store is closing')
    if (reason !== undefined) throw new StoreUnavailable(`the store is down: ${reason}`, { retry_after: retryAfter() })
    try {
      return await work()
    } catch (error) {
      if (error instanceof StoreUnavailable) goDown(error)
      else failures += 1
      throw error
    }
  }

  function goDown(error: StoreUnavailable): void {
    failures += 1
    if (reason !== undefined || closed) return
    reason = error.message
    since = performance.now()
    log.error({ reason }, 'store is down, registrations are refused until it is back')
    retryLater()
  }

  function retryLater(): void {
    const wait = backoff.next()
    nextTry = performance.now() + wait
    timer = setTimeout(() => void retry(), wait)
    timer.unref()
  }

  async function retry(): Promise<void> {
    try {
      await mend()
    } catch (error) {
      if (closed) return
      reason = error instanceof Error ? error.message : String(error)
      retryLater()
      return
    }
    if (closed) return
    const downMs = Math.round(performance.now() - since)
    reason = undefined
    since = performance.now()
    backoff.reset()
    log.info({ down_ms: downMs }, 'store is back')
    onUp()
  }

  function retryAfter(): number {
    return Math.max(1, Math.ceil((nextTry - performance.now()) / 1000))
  }

  function close(): void {
    closed = true
    clearTimeout(timer)
  }

  const state = () => ({
    status: isUp() ? ('up' as const) : ('down' as const),
    forMs: performance.now() - since,
    ...(reason !== undefined && { reason }),
  })
  return { attempt, isUp, state, failures: () => failures, close }
}
