import type { Run } from '../model/source.ts'
import { createBackoff } from './backoff.ts'

/** Says when the next regular look is due. */
export type Pace = {
  /** Begins to count towards the next regular look; the answer tells the milliseconds that are left, 0 or less when due. */
  readonly begin: () => () => number
}

/**
 * Why a look is made: the `first`, at its `regular` time, because somebody `asked`, or `early`: a failure is tried again,
 * or the last look said so.
 */
export type Why = 'first' | 'regular' | 'asked' | 'early'

export type Looked<T> = {
  readonly value: T
  /** Something failed, and is tried again with backoff before the next regular look. */
  readonly failed?: boolean
  /** Milliseconds after which to look early. */
  readonly againMs?: number | undefined
}

/** No wait is longer than this, so that a stepped clock or a suspended machine is noticed. */
const longestNap = 30_000
const shortestPause = 1000

/**
 * Looks now, then at every tick of `pace`, and at once when somebody asks; yields what each look came back with.
 *
 * At most one look runs at a time. Ticks that passed meanwhile are made up once. After a failure the next look comes by
 * backoff, never later than the tick. Ends soon after the run's signal aborts.
 */
export async function* every<T>({
  run: { signal, wake },
  pace,
  look,
  backoff = createBackoff(),
  now = () => performance.now(),
}: {
  run: Pick<Run, 'signal' | 'wake'>
  pace: Pace
  look: (why: Why, signal: AbortSignal) => Promise<Looked<T>>
  backoff?: ReturnType<typeof createBackoff>
  now?: () => number
}): AsyncGenerator<T, void, undefined> {
  let why: Why = 'first'
  let regularLeft = () => 0

  /** Waits for whatever comes first, and says what it was. */
  async function next(earlyAt: number): Promise<Why> {
    for (;;) {
      if (wake.raised()) return 'asked'
      const regular = regularLeft()
      if (regular <= 0) return 'regular'
      const early = earlyAt - now()
      if (early <= 0) return 'early'
      await wake.wait(Math.min(regular, early, longestNap))
      if (signal.aborted) return 'regular'
    }
  }

  while (!signal.aborted) {
    wake.take()
    // An early look reads only part of what there is, so it does not move the regular one.
    if (why !== 'early') regularLeft = pace.begin()
    const { value, failed, againMs = Infinity } = await look(why, signal)
    if (signal.aborted) return
    yield value
    if (!failed) backoff.reset()
    why = await next(now() + Math.min(againMs, failed ? backoff.next() : Infinity))
  }
}

/**
 * A look every `intervalMs`, a little early at random, never late.
 *
 * The first pause is anything from a quarter to the whole, so that sources that start together drift apart.
 */
export function atInterval(intervalMs: number, { random = Math.random, now = () => performance.now() } = {}): Pace {
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
