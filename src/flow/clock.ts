/** Time, as far as one may need it; tests bring their own. */
export type Clock = {
  /** Milliseconds that only ever grow, whatever happens to the wall clock. */
  readonly now: () => number
  /** Milliseconds since 1970, for people. */
  readonly wall: () => number
  /** Calls `act` once after `ms`; returns how to call it off. Does not hold the process. */
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
