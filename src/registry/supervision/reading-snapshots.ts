import { hash } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { forEachYielding, runCooperatively } from '../../flow/cooperative.ts'
import { createDebounce } from '../../flow/debounce.ts'
import type { Log } from '../../log.ts'
import type { Entry, Reading } from '../../model/source.ts'
import type { StoredReading, StoredSource, Store } from '../../stores/store.ts'
import type { Candidate } from '../candidate.ts'

/** What was last good at one origin. */
export type OriginSnapshot = { readonly origin: string; readonly candidates: readonly Candidate[] }

/** What was kept of a source before the daemon was restarted. */
export type RestoredReadings = { readonly kept_at: string; readonly readings: readonly Reading[] }

/** Keeps what one source last said, in the store. */
export type SourceSnapshot = {
  /** What was kept under the same settings; undefined where nothing was, or nothing can be read. */
  readonly restore: () => Promise<RestoredReadings | undefined>
  /** Something has changed: `good` is asked soon for what is to be kept. */
  readonly note: (good: () => readonly OriginSnapshot[]) => void
  /** Keeps what was noted last, now. What it is, is asked before this returns. */
  readonly close: () => Promise<void>
}

export type ReadingSnapshots = ReturnType<typeof createReadingSnapshots>

/** A store that answers nothing must not keep the daemon from stopping. */
const patienceMs = 3000

/**
 * Keeps the last good readings of sources over a restart, at most once every few seconds each.
 *
 * Nobody waits for the store, and a store that cannot be written or read is no failure of a source.
 */
export function createReadingSnapshots({
  opening,
  log,
  quietMs = 2000,
  mostMs = 30_000,
  retryMs = 60_000,
}: {
  opening: Promise<Pick<Store, 'saveReadings' | 'readings'>>
  log: Log
  quietMs?: number
  mostMs?: number
  retryMs?: number
}) {
  /** One reading of the store for all sources that start together. */
  let underway: Promise<readonly StoredSource[]> | undefined
  const texts = new WeakMap<readonly Candidate[], string>()

  async function read(): Promise<readonly StoredSource[]> {
    underway ??= opening.then((store) => store.readings()).finally(() => (underway = undefined))
    return await underway
  }

  async function restoreOf(source: string, fingerprint: string): Promise<RestoredReadings | undefined> {
    try {
      const found = (await read()).find((kept) => kept.source === source && kept.fingerprint === fingerprint)
      if (!found) return undefined
      const readings: Reading[] = []
      await forEachYielding(found.readings, (kept) => {
        const reading = readingOf(kept)
        if (reading) readings.push(reading)
      })
      return { kept_at: found.kept_at, readings }
    } catch (error) {
      log.warn({ err: error, source }, 'what was kept of the source cannot be read; it begins with nothing')
      return undefined
    }
  }

  async function write(source: string, fingerprint: string, good: readonly OriginSnapshot[]): Promise<boolean> {
    try {
      const readings = await runCooperatively(readingsOf(good))
      await (await opening).saveReadings(source, fingerprint, readings)
      return true
    } catch (error) {
      log.warn({ err: error, source }, 'what the source said cannot be kept now')
      return false
    }
  }

  function* readingsOf(good: readonly OriginSnapshot[]): Generator<void, readonly StoredReading[]> {
    const readings: StoredReading[] = []
    for (const { origin, candidates } of good) {
      yield
      if (candidates.length > 0) readings.push({ origin, reading: yield* textOf(candidates) })
    }
    return readings
  }

  function* textOf(candidates: readonly Candidate[]): Generator<void, string> {
    const known = texts.get(candidates)
    if (known !== undefined) return known
    const entries: string[] = []
    for (const { definition: value, reported } of candidates) {
      entries.push(JSON.stringify({ value, ...(reported && { reported }) }))
      yield
    }
    const text = `{"rank":${candidates[0]?.rank ?? 0},"entries":[${entries.join()}]}`
    texts.set(candidates, text)
    return text
  }

  /** Keeps one source, for as long as its settings stay the same. */
  function keeperFor(source: string, settings: unknown): SourceSnapshot {
    const fingerprint = hash('sha256', JSON.stringify(settings))
    let noted: (() => readonly OriginSnapshot[]) | undefined
    let retry: NodeJS.Timeout | undefined
    /** One after the other, so that an earlier word never comes last. */
    let written = Promise.resolve(true)

    function writeNow(good: readonly OriginSnapshot[]): Promise<boolean> {
      return (written = written.then(() => write(source, fingerprint, good)))
    }

    async function save(): Promise<void> {
      const taken = noted
      noted = undefined
      if (!taken || (await writeNow(taken()))) return
      noted ??= taken
      clearTimeout(retry)
      retry = setTimeout(settle.poke, retryMs).unref()
    }

    const settle = createDebounce({ act: save, quietMs, mostMs })

    return {
      restore: () => restoreOf(source, fingerprint),
      note: (good) => {
        noted = good
        settle.poke()
      },
      close: async () => {
        settle.close()
        clearTimeout(retry)
        const good = noted?.()
        const patience = new AbortController()
        const over = pause(patienceMs, undefined, { signal: patience.signal }).catch(() => {})
        await Promise.race([good ? writeNow(good) : written, over])
        patience.abort()
      },
    }
  }

  return { keeperFor }
}

/** Undefined for what no version of the daemon has written. */
function readingOf({ origin, reading }: StoredReading): Reading | undefined {
  try {
    const { rank, entries } = JSON.parse(reading) as { rank?: unknown; entries?: unknown }
    if (!Array.isArray(entries)) return undefined
    return { origin, ...(typeof rank === 'number' && { rank }), entries: entries as Entry[] }
  } catch {
    return undefined // As it says above.
  }
}
