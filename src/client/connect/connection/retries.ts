import { createBackoff } from '../../../flow/backoff.ts'
import type { Server } from '../../../model/server.ts'
import type { FleetSettings } from '../fleet-options.ts'

type Hints = Pick<Server, 'auto_reconnect' | 'max_retries' | 'retry_delay'>

/**
 * The pauses between attempts to connect, by the server's own hints: `retry_delay`, doubled after each failure, with full jitter. After
 * `max_retries` they have their maximum length, but go on: a server that returns is found again.
 */
export function createRetries(
  hints: () => Hints,
  {
    autoReconnect,
    maxRetries,
    retryDelayMs,
    maxPauseMs,
  }: Pick<FleetSettings, 'autoReconnect' | 'maxRetries' | 'retryDelayMs' | 'maxPauseMs'>,
) {
  let failures = 0
  let backoff: ReturnType<typeof createBackoff> | undefined

  const isExhausted = () => failures > (maxRetries ?? hints().max_retries)

  /** Milliseconds until the next attempt, after another failure; at least what the server asked for. */
  function next(retryAfterMs = 0): number {
    failures += 1
    backoff ??= createBackoff({
      firstMs: Math.min(retryDelayMs ?? hints().retry_delay * 1000, maxPauseMs),
      maxMs: maxPauseMs,
    })
    const ms = isExhausted() ? maxPauseMs * (0.5 + Math.random() / 2) : backoff.next()
    return Math.min(maxPauseMs, Math.max(ms, retryAfterMs))
  }

  function reset(): void {
    failures = 0
    backoff = undefined
  }

  return { next, reset, isExhausted, count: () => failures, isAllowed: () => autoReconnect ?? hints().auto_reconnect }
}
