import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/flow/clock.ts'

type Timer = { readonly at: number; readonly act: () => void }

/** A clock that moves only when a test says so. */
export function createFakeClock() {
  let now = 1_000_000
  let wallAhead = Date.parse('2026-01-01T00:00:00Z') - now
  const timers = new Set<Timer>()

  const clock: Clock = {
    now: () => now,
    wall: () => now + wallAhead,
    after(ms, act) {
      const timer = { at: now + Math.max(0, ms), act }
      timers.add(timer)
      return () => timers.delete(timer)
    },
  }

  function earliest(until: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer
    return first
  }

  /** Advances by `ms`: each timer fires at its time, and its consequences settle before the next. */
  async function pass(ms: number): Promise<void> {
    const until = now + ms
    await setImmediate()
    for (let timer = earliest(until); timer; timer = earliest(until)) {
      timers.delete(timer)
      now = Math.max(now, timer.at)
      timer.act()
      await setImmediate()
    }
    now = until
  }

  return {
    clock,
    pass,
    /** Blocks the event loop: time advances, no timer fires before the next `pass`. */
    stall: (ms: number) => void (now += ms),
    /** Sets the wall clock. */
    step: (ms: number) => void (wallAhead += ms),
    timers: () => timers.size,
  }
}
