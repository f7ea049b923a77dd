import type { SourceRun } from '../model/source.ts'
import { createBackoff } from './backoff.ts'

/** Decides when the next regular poll is due. */
export type Schedule = {
  /** Starts to count towards the next regular poll. The returned function gives the milliseconds left, 0 or less when due. */
  readonly begin: () => () => number
}

/**
 * Why a poll runs: the `first`, at its `regular` time, `requested` by the wake signal, or `early`: as a retry, or because
 * the last poll asked for it.
 */
export type PollTrigger = 'first' | 'regular' | 'requested' | 'early'

export type PollResult<T> = {
  readonly value: T
  /** The poll failed; it is retried with backoff before the next regular one. */
  readonly failed?: boolean
  /** Milliseconds after which to poll early. */
  readonly againMs?: number | undefined
}

/** Interval at which a loop that only waits yields a sign of life. */
export const idleYieldMs = 6 * 3_600_000

/** Longest single wait: after that the clock is read again, so that a clock step or a suspend is noticed. */
const maxSleepMs = 30_000
const minPauseMs = 1000

/**
 * Polls at once, then whenever `schedule` says so or the wake signal is raised; yields the value of each poll.
 *
 * At most one poll runs at a time; regular polls missed meanwhile are made up once. After a failure the next poll comes
 * by backoff, never later than the regular one. During long waits it yields `idle`, so that a watchdog does not take it
 * for hung. Ends soon after the run's signal aborts.
 */
export async function* pollLoop<T>({
  run: { signal, wake },
  schedule,
  poll,
  idle,
  backoff = createBackoff(),
  now = () => performance.now(),
}: {
  run: Pick<SourceRun, 'signal' | 'wake'>
  schedule: Schedule
  poll: (why: PollTrigger, signal: AbortSignal) => Promise<PollResult<T>>
  idle?: T
  backoff?: ReturnType<typeof createBackoff>
  now?: () => number
}): AsyncGenerator<T, void, undefined> {
  let why: PollTrigger | 'idle' = 'first'
  let regularLeft = () => 0
  let earlyAt = Infinity

  /** Waits for the first thing to happen and returns what it was. */
  async function next(): Promise<PollTrigger | 'idle'> {
    const idleAt = idle === undefined ? Infinity : now() + idleYieldMs
    for (;;) {
      if (wake.raised()) return 'requested'
      const regular = regularLeft()
      if (regular <= 0) return 'regular'
      const time = now()
      if (earlyAt <= time) return 'early'
      if (idleAt <= time) return 'idle'
      await wake.wait(Math.min(regular, earlyAt - time, idleAt - time, maxSleepMs))
      if (signal.aborted) return 'regular'
    }
  }

  while (!signal.aborted) {
    if (why === 'idle') {
      if (idle !== undefined) yield idle
    } else {
      wake.take()
      // An early poll may read only a part, so it does not move the regular one.
      if (why !== 'early') regularLeft = schedule.begin()
      const { value, failed, againMs = Infinity } = await poll(why, signal)
      if (signal.aborted) return
      yield value
      if (!failed) backoff.reset()
      earlyAt = now() + Math.min(againMs, failed ? backoff.next() : Infinity)
    }
    why = await next()
  }
}

/**
 * A poll every `intervalMs`, up to a tenth earlier at random, never later.
 *
 * The first pause is random between a quarter and the whole, so that sources that start together drift apart.
 */
export function intervalSchedule(
  intervalMs: number,
  { random = Math.random, now = () => performance.now() } = {},
): Schedule {
  let first = true

  function begin(): () => number {
    const share = first ? 0.25 + 0.75 * random() : 0.9 + 0.1 * random()
    first = false
    const due = now() + intervalMs * share
    // A poll that takes longer than the interval must not make the loop spin.
    let notBefore: number | undefined
    return () => {
      notBefore ??= now() + Math.min(minPauseMs, intervalMs / 4)
      return Math.max(due, notBefore) - now()
    }
  }

  return { begin }
}
