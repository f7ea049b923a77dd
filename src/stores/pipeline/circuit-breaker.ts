import { createBackoff } from '../../flow/backoff.ts'
import type { Log } from '../../log.ts'
import { StoreUnavailable } from '../store.ts'

/**
 * Tracks whether the database is up. After a call that finds it unavailable, further calls are rejected at once, and
 * `recover` is retried with backoff until it succeeds.
 */
export function createCircuitBreaker({
  recover,
  onUp,
  log,
}: {
  recover: () => Promise<void>
  onUp: () => void
  log: Log
}) {
  const backoff = createBackoff({ firstMs: 250, maxMs: 5000 })
  let since = performance.now()
  let reason: string | undefined
  let failures = 0
  let timer: NodeJS.Timeout | undefined
  let nextAttemptAt = 0
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
    log.error({ reason }, 'store went down; registrations are rejected until it recovers')
    scheduleRecovery()
  }

  function scheduleRecovery(): void {
    const waitMs = backoff.next()
    nextAttemptAt = performance.now() + waitMs
    timer = setTimeout(() => void tryRecovery(), waitMs)
    timer.unref()
  }

  async function tryRecovery(): Promise<void> {
    try {
      await recover()
    } catch (error) {
      if (closed) return
      reason = error instanceof Error ? error.message : String(error)
      scheduleRecovery()
      return
    }
    if (closed) return
    const downMs = Math.round(performance.now() - since)
    reason = undefined
    since = performance.now()
    backoff.reset()
    log.info({ down_ms: downMs }, 'store recovered')
    onUp()
  }

  function retryAfter(): number {
    return Math.max(1, Math.ceil((nextAttemptAt - performance.now()) / 1000))
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
