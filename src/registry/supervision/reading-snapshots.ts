import { hash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { forEachYielding, runCooperatively } from '../../flow/cooperative.ts'
import { createDebounce } from '../../flow/debounce.ts'
import type { Log } from '../../log.ts'
import type { Entry, Reading } from '../../model/source.ts'
import type { StoredReading, StoredSource, Store } from '../../stores/store.ts'
import type { Candidate } from '../candidate.ts'

/** The last good candidates of one origin. */
export type OriginSnapshot = { readonly origin: string; readonly candidates: readonly Candidate[] }

/** The stored readings of a source, from before the daemon restarted. */
export type RestoredReadings = { readonly kept_at: string; readonly readings: readonly Reading[] }

/** Stores the last good readings of one source. */
export type SourceSnapshot = {
  /** The readings stored under the same settings; undefined where there are none or the store fails. */
  readonly restore: () => Promise<RestoredReadings | undefined>
  /** Schedules a write; `take` is called when it begins. */
  readonly schedule: (take: () => readonly OriginSnapshot[]) => void
  /** Writes what is scheduled; `take` is called before this returns. */
  readonly close: () => Promise<void>
}

export type ReadingSnapshots = ReturnType<typeof createReadingSnapshots>

/** Maximum time that a store without an answer delays the stop of the daemon. */
const maxCloseMs = 3000

/**
 * Stores the last good readings of sources over a restart, each source at most once every few seconds.
 *
 * No source waits for the store, and a failing store does not fail a source.
 */
export function createReadingSnapshots({
  opening,
  log,
  quietMs = 2000,
  maxDelayMs = 30_000,
  retryMs = 60_000,
}: {
  opening: Promise<Pick<Store, 'saveReadings' | 'readings'>>
  log: Log
  quietMs?: number
  maxDelayMs?: number
  retryMs?: number
}) {
  /** One read of the store is shared by all sources that start together. */
  let pendingRead: Promise<readonly StoredSource[]> | undefined
  const texts = new WeakMap<readonly Candidate[], string>()

  async function readStore(): Promise<readonly StoredSource[]> {
    pendingRead ??= opening.then((store) => store.readings()).finally(() => (pendingRead = undefined))
    return await pendingRead
  }

  async function restore(source: string, fingerprint: string): Promise<RestoredReadings | undefined> {
    try {
      const stored = (await readStore()).find((one) => one.source === source && one.fingerprint === fingerprint)
      if (!stored) return undefined
      const readings: Reading[] = []
      await forEachYielding(stored.readings, (row) => {
        const reading = parseReading(row)
        if (reading) readings.push(reading)
      })
      return { kept_at: stored.kept_at, readings }
    } catch (error) {
      log.warn({ err: error, source }, 'stored readings unreadable, source starts empty')
      return undefined
    }
  }

  async function write(source: string, fingerprint: string, origins: readonly OriginSnapshot[]): Promise<boolean> {
    try {
      const readings = await runCooperatively(encodeOrigins(origins))
      await (await opening).saveReadings(source, fingerprint, readings)
      return true
    } catch (error) {
      log.warn({ err: error, source }, 'readings not stored')
      return false
    }
  }

  function* encodeOrigins(origins: readonly OriginSnapshot[]): Generator<void, readonly StoredReading[]> {
    const readings: StoredReading[] = []
    for (const { origin, candidates } of origins) {
      yield
      if (candidates.length > 0) readings.push({ origin, reading: yield* encode(candidates) })
    }
    return readings
  }

  function* encode(candidates: readonly Candidate[]): Generator<void, string> {
    const cached = texts.get(candidates)
    if (cached !== undefined) return cached
    const entries: string[] = []
    for (const { definition: value, reported } of candidates) {
      entries.push(JSON.stringify({ value, ...(reported && { reported }) }))
      yield
    }
    const text = `{"rank":${candidates[0]?.rank ?? 0},"entries":[${entries.join()}]}`
    texts.set(candidates, text)
    return text
  }

  /** The snapshot of one source, valid for as long as its settings stay the same. */
  function snapshotOf(source: string, settings: unknown): SourceSnapshot {
    const fingerprint = hash('sha256', JSON.stringify(settings))
    let scheduled: (() => readonly OriginSnapshot[]) | undefined
    let retryTimer: NodeJS.Timeout | undefined
    /** Writes run one after the other, so that the newest is the last. */
    let lastWrite = Promise.resolve(true)

    function enqueueWrite(origins: readonly OriginSnapshot[]): Promise<boolean> {
      return (lastWrite = lastWrite.then(() => write(source, fingerprint, origins)))
    }

    async function save(): Promise<void> {
      const take = scheduled
      scheduled = undefined
      if (!take || (await enqueueWrite(take()))) return
      scheduled ??= take
      clearTimeout(retryTimer)
      retryTimer = setTimeout(debounce.trigger, retryMs).unref()
    }

    const debounce = createDebounce({ act: save, quietMs, maxMs: maxDelayMs })

    return {
      restore: () => restore(source, fingerprint),
      schedule: (take) => {
        scheduled = take
        debounce.trigger()
      },
      close: async () => {
        debounce.close()
        clearTimeout(retryTimer)
        const origins = scheduled?.()
        const timer = new AbortController()
        const timeout = pause(maxCloseMs, undefined, { signal: timer.signal }).catch(() => {})
        await Promise.race([origins ? enqueueWrite(origins) : lastWrite, timeout])
        timer.abort()
      },
    }
  }

  return { snapshotOf }
}

/** Undefined where the stored text is not of any version of the daemon. */
function parseReading({ origin, reading }: StoredReading): Reading | undefined {
  try {
    const { rank, entries } = JSON.parse(reading) as { rank?: unknown; entries?: unknown }
    if (!Array.isArray(entries)) return undefined
    return { origin, ...(typeof rank === 'number' && { rank }), entries: entries as Entry[] }
  } catch {
    return undefined // The text is not JSON.
  }
}
