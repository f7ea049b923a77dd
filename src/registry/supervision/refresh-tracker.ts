import type { Change } from '../../model/change.ts'
import { SourceError } from '../../model/source.ts'

/** What one look brought: what it changed, or why it failed. */
export type RefreshOutcome = { readonly changes: readonly Change[]; readonly held: boolean; readonly error?: string }

/** Counts the looks at a source, and tells those who asked for one what it brought. */
export function createRefreshTracker({ name, ask }: { name: string; ask: () => void }) {
  const waiting = new Set<{ from: number; done: (outcome: RefreshOutcome) => void }>()
  const first = Promise.withResolvers<void>()
  let looks = 0

  /** The present look brought this; `isLast`: no other will come. */
  function brought(outcome: RefreshOutcome, { isLast = false } = {}): void {
    first.resolve()
    for (const waiter of waiting) {
      if (looks < waiter.from && !isLast) continue
      waiting.delete(waiter)
      waiter.done(outcome)
    }
  }

  /** Asks for a look now and resolves with what it brought; rejects if none came within `ms`. */
  async function refresh(ms: number): Promise<RefreshOutcome> {
    const answer = Promise.withResolvers<RefreshOutcome>()
    const waiter = { from: looks + 1, done: answer.resolve }
    waiting.add(waiter)
    const timer = setTimeout(() => {
      waiting.delete(waiter)
      answer.reject(new SourceError(`the source ${name} did not answer within ${ms / 1000} s; it goes on trying`))
    }, ms)
    ask()
    return answer.promise.finally(() => clearTimeout(timer))
  }

  return {
    began: () => void (looks += 1),
    count: () => looks,
    brought,
    refresh,
    /** Resolves with whatever the first look brought. */
    settled: first.promise,
  }
}
