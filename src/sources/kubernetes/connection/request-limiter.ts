import { createChangeSignal } from '../../../flow/wake-signal.ts'
import type { Tuning } from '../tuning.ts'

/**
 * One gate for all requests to one API server.
 *
 * While the server fails the gate is shut, and one request at a time, after longer and longer pauses, tries whether it
 * is well again; so however many watches there are, an outage costs few requests. Lists pass a few at a time.
 */
export function createRequestLimiter({
  minRetryMs: retryMs,
  maxRetryMs: retryMostMs,
  maxConcurrentLists: lists,
  maxListsPerSecond: listsPerSecond,
  random,
}: Tuning) {
  let failures = 0
  let opensAt = 0
  let trying = false
  let listing = 0
  let nextList = 0
  let failure = Promise.withResolvers<void>()
  const { wait, notify } = createChangeSignal()

  const isShut = () => failures > 0
  const isFull = () => listing >= lists

  /** Resolves when a request may be made; true: it is the one that tries, and its outcome must be told. */
  async function enter(signal: AbortSignal): Promise<boolean> {
    while (isShut() && !signal.aborted) {
      const now = performance.now()
      if (!trying && now >= opensAt) {
        trying = true
        return true
      }
      await wait(signal, trying ? undefined : opensAt - now)
    }
    return false
  }

  /** The one that tried was called off: another may. */
  function release(): void {
    trying = false
    notify()
  }

  function worked(): void {
    if (failures === 0) return
    failures = 0
    trying = false
    notify()
  }

  /** Several requests that fail together count once. */
  function failed(retryAfter?: number): void {
    if (failures > 0 && !trying) return
    const ceiling = Math.min(retryMostMs, retryMs * 2 ** failures)
    failures = Math.min(failures + 1, 30)
    failure.resolve()
    failure = Promise.withResolvers<void>()
    trying = false
    opensAt = performance.now() + Math.max(ceiling / 2 + (ceiling / 2) * random(), (retryAfter ?? 0) * 1000)
    notify()
  }

  /** A few lists at a time; unless they are `urgent`, they begin spread out too, for all others may list now as well. */
  async function list<T>(signal: AbortSignal, { urgent }: { urgent: boolean }, work: () => Promise<T>): Promise<T> {
    while (isFull() && !signal.aborted) await wait(signal)
    listing++
    try {
      if (!urgent) await spread(signal)
      return await work()
    } finally {
      listing--
      notify()
    }
  }

  async function spread(signal: AbortSignal): Promise<void> {
    const now = performance.now()
    const step = 1000 / listsPerSecond
    nextList = Math.max(nextList + step, now - lists * step)
    const end = nextList
    while (performance.now() < end && !signal.aborted) await wait(signal, Math.max(0, end - performance.now()))
  }

  /** Somebody asks now: the next try is not put off any longer. */
  function hurry(): void {
    opensAt = 0
    notify()
  }

  return { enter, release, worked, failed, list, hurry, failures: () => failures, nextFailure: () => failure.promise }
}
export type RequestLimiter = ReturnType<typeof createRequestLimiter>
