import { setTimeout as pause } from 'node:timers/promises'
import { createChangeSignal } from '../flow/wake-signal.ts'
import { isNewer } from '../stores/store.ts'

/** Interval at which the store is asked for events of other replicas while a reader waits, in ms. */
const pollMs = 1000

/** Tells waiting readers of new events: of this daemon at once, of other replicas within a second. */
export function createJournalTail({ newest }: { newest: () => Promise<string> }) {
  const change = createChangeSignal()
  const closed = new AbortController()
  let known = '0'
  let waiting = 0
  let polling: Promise<void> | undefined

  /** Resolves once an event newer than `id` is stored, after `ms`, or when the signal aborts. */
  async function waitBeyond(id: string, { ms, signal }: { ms: number; signal: AbortSignal }): Promise<void> {
    if (isNewer(known, id)) return
    known = id
    waiting += 1
    try {
      polling ??= poll().finally(() => (polling = undefined))
      await change.wait(AbortSignal.any([signal, closed.signal]), ms)
    } finally {
      waiting -= 1
    }
  }

  /** One poll serves all readers. */
  async function poll(): Promise<void> {
    for (;;) {
      if (waiting === 0 || closed.signal.aborted) return
      await pause(pollMs, undefined, { signal: closed.signal, ref: false }).catch(() => {})
      const current = await newest().catch(() => known)
      if (!isNewer(current, known)) continue
      known = current
      change.notify()
    }
  }

  return { waitBeyond, wake: change.notify, close: () => closed.abort() }
}
