import { uptime } from 'node:os'

export type LeaseClock = ReturnType<typeof createLeaseClock>

/** Minimum gap between two readings that counts as a stall, in ms: shorter gaps are ordinary delays. */
const minStallMs = 1000

/** Minimum stall or sleep after which every lease gets a full interval, in ms. */
const minGraceMs = 5000

/**
 * The time by which leases are counted; it stands still while the process does.
 *
 * It never reads the wall clock, so a step of that clock changes nothing. A stall of the event loop does not count:
 * heartbeats could not arrive meanwhile. After a long stop (a suspended machine, SIGSTOP) it calls `onGrace`, since
 * every lease then deserves another full interval.
 */
export function createLeaseClock({
  monotonic = () => performance.now(),
  booted = () => uptime() * 1000,
  tickMs = 500,
  onGrace,
}: {
  /** Milliseconds that count only while the machine is awake. */
  monotonic?: () => number
  /** Milliseconds that count while the machine sleeps too. */
  booted?: () => number
  tickMs?: number
  onGrace: (gapMs: number) => void
}) {
  let lastReading = monotonic()
  let lastSleepOffset = booted() - lastReading
  let stalledMs = 0

  /** Milliseconds of lease time, at the cost of one clock reading. */
  function now(): number {
    const time = monotonic()
    const gap = time - lastReading
    lastReading = time
    if (gap > minStallMs + tickMs) addStall(gap - tickMs)
    return time - stalledMs
  }

  function addStall(gap: number): void {
    stalledMs += gap
    if (gap > minGraceMs) onGrace(gap)
  }

  /** Must be called every `tickMs`, so that a gap between two calls is a stall of the process. */
  function tick(): void {
    now()
    const sleepOffset = booted() - monotonic()
    const sleptMs = sleepOffset - lastSleepOffset
    lastSleepOffset = sleepOffset
    if (sleptMs > minGraceMs) onGrace(sleptMs)
  }

  return { now, tick, tickMs }
}
