import { createChangeSignal } from '../../../flow/wake-signal.ts'
import type { KubeTuning } from '../tuning.ts'

/** Bound of the exponent of the backoff. */
const maxCountedFailures = 30

/**
 * Circuit breaker and list limiter for all requests to one API server.
 *
 * While the server fails the circuit is open: one trial request at a time, with exponential backoff, finds out whether it
 * has recovered. An outage costs few requests, however many watches there are. Lists are limited in number and rate.
 */
export function createRequestLimiter({
  minRetryMs,
  maxRetryMs,
  maxConcurrentLists,
  maxListsPerSecond,
  random,
}: Pick<KubeTuning, 'minRetryMs' | 'maxRetryMs' | 'maxConcurrentLists' | 'maxListsPerSecond' | 'random'>) {
  let failures = 0
  let nextTrialAt = 0
  let isTrialRunning = false
  let runningLists = 0
  let nextListAt = 0
  let failure = Promise.withResolvers<void>()
  const { wait, notify } = createChangeSignal()

  const isOpen = () => failures > 0
  const isFull = () => runningLists >= maxConcurrentLists

  /** Resolves when a request may start; true if it is the trial, whose outcome must be reported. */
  async function enter(signal: AbortSignal): Promise<boolean> {
    while (isOpen() && !signal.aborted) {
      const now = performance.now()
      if (!isTrialRunning && now >= nextTrialAt) {
        isTrialRunning = true
        return true
      }
      await wait(signal, isTrialRunning ? undefined : nextTrialAt - now)
    }
    return false
  }

  /** Reports that the trial was cancelled, so that another request may be the trial. */
  function releaseTrial(): void {
    isTrialRunning = false
    notify()
  }

  function reportSuccess(): void {
    if (failures === 0) return
    failures = 0
    isTrialRunning = false
    notify()
  }

  /** Reports a failure. Concurrent failures count once. */
  function reportFailure(retryAfter?: number): void {
    if (failures > 0 && !isTrialRunning) return
    const ceiling = Math.min(maxRetryMs, minRetryMs * 2 ** failures)
    failures = Math.min(failures + 1, maxCountedFailures)
    failure.resolve()
    failure = Promise.withResolvers<void>()
    isTrialRunning = false
    nextTrialAt = performance.now() + Math.max(ceiling / 2 + (ceiling / 2) * random(), (retryAfter ?? 0) * 1000)
    notify()
  }

  /** Runs a list within the limit of concurrency; unless `urgent`, within the rate as well, as all watches may list now. */
  async function runList<T>(signal: AbortSignal, { urgent }: { urgent: boolean }, list: () => Promise<T>): Promise<T> {
    while (isFull() && !signal.aborted) await wait(signal)
    runningLists++
    try {
      if (!urgent) await waitForRate(signal)
      return await list()
    } finally {
      runningLists--
      notify()
    }
  }

  async function waitForRate(signal: AbortSignal): Promise<void> {
    const now = performance.now()
    const intervalMs = 1000 / maxListsPerSecond
    nextListAt = Math.max(nextListAt + intervalMs, now - maxConcurrentLists * intervalMs)
    const startAt = nextListAt
    while (performance.now() < startAt && !signal.aborted) await wait(signal, Math.max(0, startAt - performance.now()))
  }

  /** Allows the next trial at once. */
  function skipBackoff(): void {
    nextTrialAt = 0
    notify()
  }

  return {
    enter,
    releaseTrial,
    reportSuccess,
    reportFailure,
    runList,
    skipBackoff,
    failures: () => failures,
    nextFailure: () => failure.promise,
  }
}
export type RequestLimiter = ReturnType<typeof createRequestLimiter>
