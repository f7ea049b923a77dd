import { uptime } from 'node:os'
import { createStallDetector } from '../../flow/stall-detector.ts'

export type LeaseClock = ReturnType<typeof createLeaseClock>

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
  let stalledMs = 0
  const detector = createStallDetector({
    now: monotonic,
    reference: booted,
    everyMs: tickMs,
    onStall: addStall,
    onSuspend: (sleptMs) => {
      if (sleptMs > minGraceMs) onGrace(sleptMs)
    },
  })

  /** Milliseconds of lease time, at the cost of one clock reading. */
  function now(): number {
    const time = detector.check()
    return time - stalledMs
  }

  function addStall(gapMs: number): void {
    stalledMs += gapMs
    if (gapMs > minGraceMs) onGrace(gapMs)
  }

  /** Must be called every `tickMs`, so that a gap between two calls is a stall of the process. */
  function tick(): void {
    detector.check()
    detector.checkSuspend()
  }

  return { now, tick, tickMs }
}
