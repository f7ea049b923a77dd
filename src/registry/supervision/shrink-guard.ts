import type { Log } from '../../log.ts'
import type { ServerId } from '../../model/names.ts'

/** Minimum removals of a suspicious shrink, which also removes more than half of the servers. */
const minRemovals = 5

/** Time between the requests for another read while a shrink is held. */
const secondReadMs = 10_000

/** A shrink that waits for a second read, and the number of the read that showed it. */
export type HeldShrink = {
  readonly shown: { readonly removes: number; readonly since: string }
  readonly readNumber: number | undefined
}

/**
 * Holds the first suspicious shrink. A second read that shows a suspicious shrink too confirms it: the result is
 * undefined. Without a `readNumber` every sighting counts as a read of its own.
 */
export function detectShrink({
  before,
  after,
  held,
  readNumber,
  now,
}: {
  before: ReadonlySet<ServerId>
  after: ReadonlySet<ServerId>
  held: HeldShrink | undefined
  readNumber: number | undefined
  now: number
}): HeldShrink | undefined {
  const removes = before.difference(after).size
  if (removes < minRemovals || removes * 2 <= before.size) return undefined
  if (held && (readNumber === undefined || readNumber !== held.readNumber)) return undefined
  return { shown: held?.shown ?? { removes, since: new Date(now).toISOString() }, readNumber }
}

/** Requests another read every 10 s for as long as a shrink is held. */
export function createShrinkGuard({
  held,
  requestRead,
  log,
}: {
  held: () => HeldShrink['shown'] | undefined
  requestRead: () => void
  log: Pick<Log, 'warn'>
}) {
  let timer: NodeJS.Timeout | undefined
  let isGuarding = false

  /** Called after each sighting. `isHeld`: it showed a shrink that is not confirmed. */
  function sighted(isHeld: boolean): void {
    if (isHeld && !isGuarding) {
      log.warn({ held: held() }, 'source shrink held until a second read confirms it')
      requestLater()
    }
    isGuarding = held() !== undefined
  }

  function requestLater(): void {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (!held()) return
      requestRead()
      requestLater()
    }, secondReadMs).unref()
  }

  return { sighted, close: () => clearTimeout(timer) }
}
