import type { Clock } from './clock.ts'

/** Delays up to this, in ms, are normal. */
const toleranceMs = 1000

/**
 * Detects stalls of the event loop (blocked, SIGSTOP) and suspends of the machine.
 *
 * It has no timer: the caller calls `check` about every `everyMs`.
 */
export function createStallDetector({
  now,
  reference,
  everyMs,
  onStall,
  onSuspend,
}: {
  /** Monotonic milliseconds. */
  now: () => number
  /** A clock that continues while the machine sleeps. */
  reference: () => number
  everyMs: number
  /** Gets the milliseconds that went by without a check, beyond `everyMs`. */
  onStall: (ms: number) => void
  /** Gets the milliseconds by which `reference` jumped against `now`: negative for a wall clock set back. */
  onSuspend: (ms: number) => void
}) {
  let checkedAt = now()
  let drift = reference() - checkedAt

  /** Checks for a stall; returns the present time. Cheap: reads one clock. */
  function check(): number {
    const time = now()
    const gap = time - checkedAt
    checkedAt = time
    if (gap > everyMs + toleranceMs) onStall(gap - everyMs)
    return time
  }

  function checkSuspend(): void {
    const before = drift
    drift = reference() - now()
    if (Math.abs(drift - before) > toleranceMs) onSuspend(drift - before)
  }

  /** Forgets the time since the last check, as when no checks were due. */
  function reset(): void {
    checkedAt = now()
    drift = reference() - checkedAt
  }

  return { check, checkSuspend, reset }
}

/**
 * A stall detector with its own timer, for work that is only sometimes in flight.
 *
 * A step of the wall clock looks like a suspend and counts as one: that costs one result of the work, no more.
 */
export function createStallWatch({
  clock,
  everyMs = 250,
  onStall,
}: {
  clock: Clock
  everyMs?: number
  onStall: () => void
}) {
  const { now, wall: reference } = clock
  const detector = createStallDetector({ now, reference, everyMs, onStall, onSuspend: onStall })
  let cancel: (() => void) | undefined

  function start(): void {
    if (cancel) return
    detector.reset()
    cancel = clock.after(everyMs, tick)
  }

  function tick(): void {
    check()
    cancel = clock.after(everyMs, tick)
  }

  /** Checks now, so that a result that arrives before the next tick is judged rightly. */
  function check(): void {
    detector.check()
    detector.checkSuspend()
  }

  function stop(): void {
    cancel?.()
    cancel = undefined
  }

  return { start, check, stop }
}
