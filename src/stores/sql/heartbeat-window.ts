/** How long after its timestamp the write of another replica may become visible, in ms. */
const maxDelayMs = 10_000
/** Minimum time that is read a second time at once, in ms. */
const minSecondLookMs = 5000
/** How far the first read goes back, in ms: after a load, which has read all. */
const firstLookMs = 60_000

/** `newest`: the greatest time that was read; `settled`: up to here, every transaction has ended, and was read. */
export type HeartbeatCursor = { readonly newest: number; readonly settled: number }

/** Times of writing, by the clock of the database: after the first, up to the second. */
export type HeartbeatWindow = { readonly after: number; readonly upTo: number }

/**
 * The windows to read next: what is new, and a second time what was written ten seconds ago, when all transactions of that time have
 * ended. A slow transaction may end after a later one was read. So each heartbeat is read once or twice.
 */
export function nextHeartbeats(
  cursor: HeartbeatCursor | undefined,
  now: number,
): {
  readonly windows: readonly [fresh: HeartbeatWindow, second: HeartbeatWindow]
  /** The cursor after the read, from the times that were read. */
  readonly next: (times: readonly number[]) => HeartbeatCursor
} {
  // A clock that was set back starts over, or heartbeats would be missed until it comes to where it was.
  const { newest, settled } =
    cursor && cursor.newest <= now ? cursor : { newest: now - firstLookMs, settled: now - maxDelayMs }
  const isDue = now - maxDelayMs - settled >= minSecondLookMs
  const settledNext = isDue ? now - maxDelayMs : settled
  return {
    windows: [
      { after: newest, upTo: Number.MAX_SAFE_INTEGER },
      { after: settled, upTo: Math.min(settledNext, newest) },
    ],
    next: (times) => ({
      newest: times.reduce((max, time) => Math.max(max, time), newest),
      settled: settledNext,
    }),
  }
}
