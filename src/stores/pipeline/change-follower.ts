import type { StoreDriver, ChangeCursor } from '../driver.ts'
import { type StoreChange, type StoreSnapshot, StoreUnavailable } from '../store.ts'

/**
 * Looks for what others wrote, whenever poked and at least every `periodMs`, until `signal` aborts.
 *
 * While the store is down it waits; what happened meanwhile is told afterwards.
 */
export async function* followChanges({
  since,
  signal,
  look,
  load,
  periodMs,
  onPoke,
  onError,
}: {
  since: string
  signal: AbortSignal
  look: StoreDriver['changesSince']
  load: () => Promise<StoreSnapshot>
  periodMs: () => number | undefined
  onPoke: (poke: () => void) => () => void
  /** Hears of failures that are no outage; the next look may do better. */
  onError: (error: unknown) => void
}): AsyncGenerator<readonly StoreChange[]> {
  let cursor: ChangeCursor = { version: since }
  const bell = createBell(signal)
  const leave = onPoke(bell.ring)
  try {
    while (!signal.aborted) {
      const news = await tryOnce(async () => {
        const found = await look(cursor)
        if (!found.compacted) {
          cursor = found.cursor
          return found.changes
        }
        const picture = await load()
        cursor = { version: picture.resource_version }
        return [{ type: 'snapshot', snapshot: picture } as const]
      }, onError)
      if (news.length > 0) yield news
      // Behind a page of writes may be another; heartbeats are told again for a while, and would never let it rest.
      if (news.every(({ type }) => type === 'heartbeats')) await bell.wait(periodMs())
    }
  } finally {
    leave()
  }
}

async function tryOnce(
  work: () => Promise<readonly StoreChange[]>,
  onError: (error: unknown) => void,
): Promise<readonly StoreChange[]> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StoreUnavailable)) onError(error)
    return []
  }
}

/** Rings once for any number of pokes since the last wait. */
function createBell(signal: AbortSignal) {
  let rung = false
  let waiting: (() => void) | undefined

  function ring(): void {
    rung = true
    waiting?.()
  }

  async function wait(ms: number | undefined): Promise<void> {
    if (!rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : setTimeout(resolve, ms)
        waiting = () => {
          clearTimeout(timer)
          resolve()
        }
        signal.addEventListener('abort', waiting, { once: true })
      })
      if (waiting) signal.removeEventListener('abort', waiting)
      waiting = undefined
    }
    rung = false
  }

  return { ring, wait }
}
