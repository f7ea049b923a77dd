import { isDeepStrictEqual } from 'node:util'
import { forEachYielding } from '../flow/cooperative.ts'
import { mapConcurrent } from '../flow/map-concurrent.ts'
import type { PollResult, PollTrigger } from '../flow/poll-loop.ts'
import { type Entry, type Reading, type Sighting, SourceError } from '../model/source.ts'
import { identityOf } from './documents/entry.ts'

/** What one read of an origin found, and when to read it again. */
export type ReadResult = {
  /** Left out: the same as last time. */
  readonly entries?: readonly Entry[]
  /** Milliseconds for which the result is fresh, so that it is not read again sooner. */
  readonly notBeforeMs?: number | undefined
  /** Milliseconds after which the result expires, so that it is not read again later. */
  readonly expiresMs?: number | undefined
}

/** Reads one origin. An error that it throws becomes the error of the origin. */
export type ReadOrigin = (name: string, signal: AbortSignal) => Promise<ReadResult>

type GoodReading = Extract<Reading, { entries: unknown }>

type Origin = {
  readonly name: string
  readonly rank: number
  /** The last reading, and the last one without an error. */
  reading: Reading | undefined
  good: GoodReading | undefined
  /** On the clock of `now`. */
  notBefore: number
  expires: number
  /** A poll skipped it because it was still fresh. */
  isOverdue: boolean
  /** Its last read brought something new. */
  hasChanged: boolean
}

/** Maximum delay, in milliseconds, that a `Retry-After` can cause. */
const maxRetryAfterMs = 3_600_000

/**
 * Reads a fixed list of origins concurrently, each under its own deadline, and makes one picture of all.
 *
 * An early poll reads only origins that failed, changed or expired. An origin with equal entries keeps its reading object,
 * so that an unchanged origin costs the registry nothing.
 */
export function createOriginPoller({
  names,
  read,
  timeoutMs,
  maxConcurrent = 8,
  now = () => performance.now(),
}: {
  names: readonly string[]
  read: ReadOrigin
  timeoutMs: number
  maxConcurrent?: number
  now?: () => number
}) {
  const origins = [...new Set(names)].map((name, rank): Origin => {
    return {
      name,
      rank,
      reading: undefined,
      good: undefined,
      notBefore: 0,
      expires: Infinity,
      isOverdue: false,
      hasChanged: false,
    }
  })

  const isFailing = ({ reading }: Origin) => reading !== undefined && 'error' in reading
  const mustWait = ({ notBefore }: Origin) => notBefore > now()

  function isDue(origin: Origin, trigger: PollTrigger): boolean {
    // A refresh reads a fresh origin, but not one whose server asked for a pause.
    if (mustWait(origin)) return trigger === 'requested' && !isFailing(origin)
    if (trigger !== 'early') return true
    // A changed origin is read a second time early: a sudden shrink counts once two reads agree.
    return isFailing(origin) || origin.isOverdue || origin.hasChanged || origin.expires <= now()
  }

  async function readOrigin(origin: Origin, signal: AbortSignal): Promise<void> {
    origin.isOverdue = false
    try {
      const {
        entries,
        notBeforeMs = 0,
        expiresMs = Infinity,
      } = await withTimeout(timeoutMs, signal, (limit) => read(origin.name, limit))
      const good = await goodReading(origin, entries)
      origin.hasChanged = origin.good !== undefined && origin.good !== good
      origin.good = good
      origin.reading = good
      origin.notBefore = now() + notBeforeMs
      origin.expires = now() + expiresMs
    } catch (cause) {
      const error = cause instanceof SourceError ? cause : new SourceError('read failed unexpectedly', { cause })
      origin.reading = { origin: origin.name, rank: origin.rank, error }
      origin.notBefore = now() + Math.min((error.retry_after ?? 0) * 1000, maxRetryAfterMs)
      origin.expires = Infinity
    }
  }

  async function poll(trigger: PollTrigger, signal: AbortSignal): Promise<PollResult<Sighting>> {
    const due = origins.filter((origin) => isDue(origin, trigger))
    for (const origin of origins) if (trigger !== 'early' && !due.includes(origin)) origin.isOverdue = true
    await mapConcurrent(due, maxConcurrent, async (origin) => {
      if (!signal.aborted) await readOrigin(origin, signal)
    })
    return {
      value: { type: 'picture', readings: origins.flatMap(({ reading }) => reading ?? []) },
      failed: origins.some((origin) => isFailing(origin) && !mustWait(origin)),
      againMs: Math.min(...origins.map(earlyMs)),
    }
  }

  /** Milliseconds until the origin needs a read before the next regular poll; infinite if it does not. */
  function earlyMs(origin: Origin): number {
    if (!mustWait(origin)) return origin.expires - now()
    return origin.isOverdue || isFailing(origin) ? origin.notBefore - now() : Infinity
  }

  return { poll }
}

async function goodReading({ name, rank, good }: Origin, entries: readonly Entry[] | undefined): Promise<GoodReading> {
  if (!entries && !good) throw new SourceError('answered "unchanged" before anything had been read')
  if (good && (!entries || (await hasSameEntries(good.entries, entries)))) return good
  return { origin: name, rank, entries: entries ?? [] }
}

/** Whether both hold the same entries. The order counts only among entries of one name. */
async function hasSameEntries(before: readonly Entry[], after: readonly Entry[]): Promise<boolean> {
  if (before.length !== after.length) return false
  if (await areEqual(before, after)) return true
  return areEqual(await sortByIdentity(before), await sortByIdentity(after))
}

async function areEqual(before: readonly Entry[], after: readonly Entry[]): Promise<boolean> {
  let equal = true
  await forEachYielding(before.entries(), ([index, entry]) => {
    equal &&= isDeepStrictEqual(withoutLocation(entry), withoutLocation(after[index]))
  })
  return equal
}

async function sortByIdentity(entries: readonly Entry[]): Promise<readonly Entry[]> {
  const keyed: [key: string, entry: Entry][] = []
  await forEachYielding(entries, (entry) => {
    const { namespace = '', name = '' } = identityOf(entry)
    keyed.push([`${namespace} ${name}`, entry])
  })
  return keyed.toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)).map(([, entry]) => entry)
}

/** An entry without its location: a moved entry counts as unchanged. */
function withoutLocation(entry: Entry | undefined): unknown {
  return entry && { ...entry, where: undefined }
}

/** Runs `work` under a deadline, and gives up then even if the work ignores its signal. */
async function withTimeout<T>(
  timeoutMs: number,
  signal: AbortSignal,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  const { promise, reject } = Promise.withResolvers<never>()
  const giveUp = (error: SourceError) => {
    controller.abort(error)
    reject(error)
  }
  const onAbort = () => giveUp(new SourceError('read interrupted'))
  const timer = setTimeout(() => giveUp(new SourceError(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work(controller.signal), promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
