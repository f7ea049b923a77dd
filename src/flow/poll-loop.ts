import type { SourceRun } from '../model/source.ts'
import { createBackoff } from './backoff.ts'

/** Says when the next regular look is due. */
export type Schedule = {
  /** Begins to count towards the next regular look; the answer tells the milliseconds that are left, 0 or less when due. */
  readonly begin: () => () => number
}

/**
 * Why a look is made: the `first`, at its `regular` time, because somebody `asked`, or `early`: a failure is tried again,
 * or the last look said so.
 */
export type PollTrigger = 'first' | 'regular' | 'asked' | 'early'

export type Looked<T> = {
  readonly value: T
  /** Something failed, and is tried again with backoff before the next regular look. */
  readonly failed?: boolean
  /** Milliseconds after which to look early. */
  readonly againMs?: number | undefined
}

/** How often a loop that only waits says that it is still there. */
export const idleMs = 6 * 3_600_000

/** No wait is longer than this, so that a stepped clock or a suspended machine is noticed. */
const longestNap = 30_000
const shortestPause = 1000

/**
 * Looks now, then at every tick of `pace`, and at once when somebody asks; yields what each look came back with.
 *
 * At most one look runs at a time. Ticks that passed meanwhile are made up once. After a failure the next look comes by
 * backoff, never later than the tick. Between ticks that are far apart it yields `idle`, so that nobody takes it for
 * hung. Ends soon after the run's signal aborts.
 */
export async function* pollLoop<T>({
  run: { signal, wake },
  pace,
  look,
  idle,
  backoff = createBackoff(),
  now = () => performance.now(),
}: {
  run: Pick<SourceRun, 'signal' | 'wake'>
  pace: Schedule
  look: (why: PollTrigger, signal: AbortSignal) => Promise<Looked<T>>
  idle?: T
  backoff?: ReturnType<typeof createBackoff>
  now?: () => number
}): AsyncGenerator<T, void, undefined> {
  let why: PollTrigger | 'idle' = 'first'
  let regularLeft = () => 0
  let earlyAt = Infinity

  /** Waits for whatever comes first, and says what it was. */
  async function next(): Promise<PollTrigger | 'idle'> {
    const idleAt = idle === undefined ? Infinity : now() + idleMs
    for (;;) {
      if (wake.raised()) return 'asked'
      const regular = regularLeft()
      if (regular <= 0) return 'regular'
      const time = now()
      if (earlyAt <= time) return 'early'
      if (idleAt <= time) return 'idle'
      await wake.wait(Math.min(regular, earlyAt - time, idleAt - time, longestNap))
      if (signal.aborted) return 'regular'
    }
  }

  while (!signal.aborted) {
    if (why === 'idle') {
      if (idle !== undefined) yield idle
    } else {
      wake.take()
      // An early look reads only part of what there is, so it does not move the regular one.
      if (why !== 'early') regularLeft = pace.begin()
      const { value, failed, againMs = Infinity } = await look(why, signal)
      if (signal.aborted) return
      yield value
      if (!failed) backoff.reset()
      earlyAt = now() + Math.min(againMs, failed ? backoff.next() : Infinity)
    }
    why = await next()
  }
}

/**
 * A look every `intervalMs`, a little early at random, never late.
 *
 * The first pause is anything from a quarter to the whole, so that sources that start together drift apart.
 */
export function atInterval(intervalMs: number, { random = Math.random, now = () => performance.now() } = {}): Schedule {
  let first = true

  function begin(): () => number {
    const share = first ? 0.25 + 0.75 * random() : 0.9 + 0.1 * random()
    first = false
    const due = now() + intervalMs * share
    // A look that takes longer than the interval must not make the loop spin.
    let notBefore: number | undefined
    return () => {
      notBefore ??= now() + Math.min(shortestPause, intervalMs / 4)
      return Math.max(due, notBefore) - now()
    }
  }

  return { begin }
}
