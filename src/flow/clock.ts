/** The time functions that a component needs; tests inject their own. */
export type Clock = {
  /** Monotonic milliseconds: steps of the wall clock do not affect them. */
  readonly now: () => number
  /** Wall clock in milliseconds since 1970, for display only. */
  readonly wall: () => number
  /** Calls `act` once after `ms`, without keeping the process alive; returns a function that cancels it. */
  readonly after: (ms: number, act: () => void) => () => void
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, act) {
    const timer = setTimeout(act, ms).unref()
    return () => clearTimeout(timer)
  },
}

let cachedMs = 0
let cachedText = new Date(cachedMs).toISOString()

/** The wall clock as RFC 3339, formatted at most once per millisecond. */
export function cachedTimestamp(): string {
  const now = Date.now()
  if (now !== cachedMs) {
    cachedMs = now
    cachedText = new Date(now).toISOString()
  }
  return cachedText
}
