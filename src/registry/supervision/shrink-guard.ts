import type { Log } from '../../log.ts'
import type { Intake } from './intake.ts'

/** How long a shrink is held before a second look is asked for. */
const secondLookMs = 10_000

/** Asks for a second look at a source, again and again for as long as its intake holds a shrink. */
export function createShrinkGuard({
  intake,
  ask,
  log,
}: {
  intake: Pick<Intake, 'summary'>
  ask: () => void
  log: Pick<Log, 'warn'>
}) {
  let timer: NodeJS.Timeout | undefined
  let questioning = false

  const shrink = () => intake.summary().held

  /** Something was heard of the source; `held`: it is a shrink that is not believed yet. */
  function heard(held: boolean): void {
    if (held && !questioning) {
      log.warn({ held: shrink() }, 'source lost more than half of its servers at once; held until a second look agrees')
      askLater()
    }
    questioning = shrink() !== undefined
  }

  function askLater(): void {
    clearTimeout(timer)
    timer = setTimeout(() => {
      if (!shrink()) return
      ask()
      askLater()
    }, secondLookMs).unref()
  }

  return { heard, close: () => clearTimeout(timer) }
}
