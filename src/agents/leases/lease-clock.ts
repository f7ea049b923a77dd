import { uptime } from 'node:os'

export type LeaseClock = ReturnType<typeof createLeaseClock>

/** A gap longer than this between two looks at the clock is no ordinary delay. Both in ms. */
const lateMs = 1000
const graceMs = 5000

/**
 * The time by which leases are counted: it stands still while this process does.
 *
 * A wall clock that steps moves nothing, since it is never asked. When the event loop was held up, the agents could not
 * be heard, so that time does not count; after a long stop (a suspended machine, SIGSTOP), `onGrace` says that every
 * lease deserves a full interval more.
 */
export function createLeaseClock({
  monotonic = () => performance.now(),
  booted = () => uptime() * 1000,
  tickMs = 500,
  onGrace,
}: {
  /** Milliseconds that run on while the machine does. */
  monotonic?: () => number
  /** Milliseconds that run on even while the machine sleeps. */
  booted?: () => number
  tickMs?: number
  onGrace: (gapMs: number) => void
}) {
  let seen = monotonic()
  let asleep = booted() - seen
  let lost = 0

  /** Milliseconds of lease time. Cheap: one look at a clock. */
  function now(): number {
    const time = monotonic()
    const gap = time - seen
    seen = time
    if (gap > lateMs + tickMs) missed(gap - tickMs)
    return time - lost
  }

  function missed(gap: number): void {
    lost += gap
    if (gap > graceMs) onGrace(gap)
  }

  /** To be called every `tickMs`, so that a gap between two calls is a gap of the process. */
  function tick(): void {
    now()
    const difference = booted() - monotonic()
    const slept = difference - asleep
    asleep = difference
    if (slept > graceMs) onGrace(slept)
  }

  return { now, tick, tickMs }
}
