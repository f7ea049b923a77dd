import type { Change } from '../../model/change.ts'
import { SourceError } from '../../model/source.ts'

/** The outcome of one read of a source: its changes, whether a shrink was held, or why the read failed. */
export type RefreshOutcome = { readonly changes: readonly Change[]; readonly held: boolean; readonly error?: string }

/** Numbers the reads of a source, and hands the outcome of a read to the refresh requests that wait for it. */
export function createRefreshTracker({ name, requestRead }: { name: string; requestRead: () => void }) {
  const waiters = new Set<{ minRead: number; resolve: (outcome: RefreshOutcome) => void }>()
  const firstRead = Promise.withResolvers<void>()
  let readNumber = 0

  /** The current read has an outcome. `isLast`: the source is stopped, so no other read follows. */
  function readFinished(outcome: RefreshOutcome, { isLast = false } = {}): void {
    firstRead.resolve()
    for (const waiter of waiters) {
      if (readNumber < waiter.minRead && !isLast) continue
      waiters.delete(waiter)
      waiter.resolve(outcome)
    }
  }

  /** Requests a read and resolves with its outcome; rejects when there is none within `ms`. */
  async function refresh(ms: number): Promise<RefreshOutcome> {
    const outcome = Promise.withResolvers<RefreshOutcome>()
    const waiter = { minRead: readNumber + 1, resolve: outcome.resolve }
    waiters.add(waiter)
    const timer = setTimeout(() => {
      waiters.delete(waiter)
      outcome.reject(new SourceError(`source ${name} did not answer within ${ms / 1000} s; it keeps trying`))
    }, ms)
    requestRead()
    return outcome.promise.finally(() => clearTimeout(timer))
  }

  return {
    readStarted: () => void (readNumber += 1),
    readNumber: () => readNumber,
    readFinished,
    refresh,
    /** Resolves with the outcome of the first read, good or bad. */
    settled: firstRead.promise,
  }
}
