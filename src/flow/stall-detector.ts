import type { Clock } from './clock.ts'

const everyMs = 250
const lateMs = 1000

/**
 * Feels whether time stood still: the event loop was blocked, the process stopped or the machine suspended.
 *
 * What was under way meanwhile could not answer in time through no fault of its own. A step of the wall clock looks the
 * same as a suspend and is taken for one: that costs one result, no more.
 */
export function createStallDetector({ clock, onStall }: { clock: Clock; onStall: () => void }) {
  let beat = 0
  let drift = 0
  let cancel: (() => void) | undefined

  function start(): void {
    if (cancel) return
    mark()
    cancel = clock.after(everyMs, next)
  }

  function next(): void {
    feel()
    cancel = clock.after(everyMs, next)
  }

  /** Looks now; a result that comes before the next beat has to know. */
  function feel(): void {
    const late = clock.now() - beat > everyMs + lateMs
    const jumped = Math.abs(clock.wall() - clock.now() - drift) > lateMs
    mark()
    if (late || jumped) onStall()
  }

  function mark(): void {
    beat = clock.now()
    drift = clock.wall() - beat
  }

  function stop(): void {
    cancel?.()
    cancel = undefined
  }

  return { start, feel, stop }
}
