import { isDeepStrictEqual } from 'node:util'
import { forEachYielding } from '../flow/cooperative.ts'
import { mapConcurrent } from '../flow/map-concurrent.ts'
import type { PollResult, PollTrigger } from '../flow/poll-loop.ts'
import { type Entry, type Reading, type Sighting, SourceError } from '../model/source.ts'

/** What was found at one origin, and when it should be read again. */
export type ReadResult = {
  /** Left out: the same as last time. */
  readonly entries?: readonly Entry[]
  /** Not sooner, in milliseconds, because what was read is fresh that long. */
  readonly notBeforeMs?: number | undefined
  /** Not later, in milliseconds, because what was read expires then. */
  readonly expiresMs?: number | undefined
}

/** Reads one origin; what it throws becomes the origin's error. */
export type ReadOrigin = (name: string, signal: AbortSignal) => Promise<ReadResult>

type Origin = {
  readonly name: string
  readonly rank: number
  /** What was last told of it, and the last of these that was good. */
  reading: Reading | undefined
  good: Extract<Reading, { entries: unknown }> | undefined
  /** On the clock of `now`. */
  notBefore: number
  expires: number
  /** It was left out of a look because it was not before its time. */
  owed: boolean
  /** The last read brought something new. */
  news: boolean
}

/** A `Retry-After` longer than this is no request but a refusal. */
const longestPatienceMs = 3_600_000

/**
 * Looks at a fixed list of origins, side by side, each under its own deadline, and makes one picture of all.
 *
 * Origins that failed or expired are read early, the others not. What is the same as before is the same object, so that
 * it costs nobody anything.
 */
export function createOriginPoller({
  names,
  read,
  limitMs,
  atOnce = 8,
  now = () => performance.now(),
}: {
  names: readonly string[]
  read: ReadOrigin
  limitMs: number
  atOnce?: number
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
      owed: false,
      news: false,
    }
  })

  const isFailing = ({ reading }: Origin) => reading !== undefined && 'error' in reading
  const mustWait = ({ notBefore }: Origin) => notBefore > now()

  function isDue(origin: Origin, why: PollTrigger): boolean {
    // Somebody who asks is answered, unless the other side asked to be left alone.
    if (mustWait(origin)) return why === 'requested' && !isFailing(origin)
    if (why !== 'early') return true
    // Whatever was news is read once more, so that a second look at a sudden shrink is really a second look.
    return isFailing(origin) || origin.owed || origin.news || origin.expires <= now()
  }

  async function readOne(origin: Origin, signal: AbortSignal): Promise<void> {
    origin.owed = false
    try {
      const {
        entries,
        notBeforeMs = 0,
        expiresMs = Infinity,
      } = await within(limitMs, signal, (limit) => read(origin.name, limit))
      const good = await goodReading(origin, entries)
      origin.news = origin.good !== undefined && origin.good !== good
      origin.good = good
      origin.reading = good
      origin.notBefore = now() + notBeforeMs
      origin.expires = now() + expiresMs
    } catch (cause) {
      const error = cause instanceof SourceError ? cause : new SourceError('could not be read', { cause })
      origin.reading = { origin: origin.name, rank: origin.rank, error }
      origin.notBefore = now() + Math.min((error.retry_after ?? 0) * 1000, longestPatienceMs)
      origin.expires = Infinity
    }
  }

  async function look(why: PollTrigger, signal: AbortSignal): Promise<PollResult<Sighting>> {
    const due = origins.filter((origin) => isDue(origin, why))
    for (const origin of origins) if (why !== 'early' && !due.includes(origin)) origin.owed = true
    await mapConcurrent(due, atOnce, async (origin) => {
      if (!signal.aborted) await readOne(origin, signal)
    })
    return {
      value: { type: 'picture', readings: origins.flatMap(({ reading }) => reading ?? []) },
      failed: origins.some((origin) => isFailing(origin) && !mustWait(origin)),
      againMs: Math.min(...origins.map(earlyMs)),
    }
  }

  /** When an origin wants to be read before the next regular look. */
  function earlyMs(origin: Origin): number {
    if (!mustWait(origin)) return origin.expires - now()
    return origin.owed || isFailing(origin) ? origin.notBefore - now() : Infinity
  }

  return { look }
}

async function goodReading(
  { name, rank, good }: Origin,
  entries: readonly Entry[] | undefined,
): Promise<Extract<Reading, { entries: unknown }>> {
  if (!entries && !good) throw new SourceError('said that nothing changed, though nothing had been read before')
  if (good && (!entries || (await isSame(good.entries, entries)))) return good
  return { origin: name, rank, entries: entries ?? [] }
}

/** Whether both hold the same entries; their order counts only among entries of one name. */
async function isSame(before: readonly Entry[], after: readonly Entry[]): Promise<boolean> {
  if (before.length !== after.length) return false
  if (await areEqual(before, after)) return true
  return areEqual(await byName(before), await byName(after))
}

async function areEqual(before: readonly Entry[], after: readonly Entry[]): Promise<boolean> {
  let same = true
  await forEachYielding(before.entries(), ([index, entry]) => {
    same &&= isDeepStrictEqual(essence(entry), essence(after[index]))
  })
  return same
}

async function byName(entries: readonly Entry[]): Promise<readonly Entry[]> {
  const named: [name: string, entry: Entry][] = []
  await forEachYielding(entries, (entry) => {
    const { namespace = '', name = '' } = identityOf(entry)
    named.push([`${namespace} ${name}`, entry])
  })
  return named.toSorted(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)).map(([, entry]) => entry)
}

/** What an entry says, without where it stands: a line further down is no news. */
function essence(entry: Entry | undefined): unknown {
  return entry && { ...entry, where: undefined }
}

/** What an entry calls itself, as far as it says. */
export function identityOf(entry: Entry): { readonly name?: string; readonly namespace?: string } {
  if ('problem' in entry) return entry
  const said: unknown = 'value' in entry ? entry.value : entry.definition
  if (typeof said !== 'object' || said === null) return {}
  const { name, namespace } = said as { name?: unknown; namespace?: unknown }
  return { ...(typeof name === 'string' && { name }), ...(typeof namespace === 'string' && { namespace }) }
}

/** Does `work` under a deadline of its own: whatever it waits for, it is given up then. */
async function within<T>(ms: number, signal: AbortSignal, work: (limit: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const late = Promise.withResolvers<never>()
  const giveUp = (error: SourceError) => {
    stop.abort(error)
    late.reject(error)
  }
  const onAbort = () => giveUp(new SourceError('was interrupted'))
  const timer = setTimeout(() => giveUp(new SourceError(`did not answer within ${ms / 1000} s`)), ms)
  signal.addEventListener('abort', onAbort)
  if (signal.aborted) onAbort()
  try {
    return await Promise.race([work(stop.signal), late.promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
