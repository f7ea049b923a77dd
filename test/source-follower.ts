import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createWakeSignal } from '../src/flow/wake-signal.ts'
import type { Entry, Reading, Sighting, Source, SourceError } from '../src/model/source.ts'

/** State of one origin: its last good entries, and its error while it fails. */
export type Folded = { readonly reading: Reading; readonly entries: readonly Entry[]; readonly error?: SourceError }

export type Followed = ReturnType<typeof follow>

/**
 * Runs a source and accumulates its sightings as the registry does: an error keeps the last good entries, a picture drops the
 * origins it does not name.
 */
export function follow(source: Source, { timeoutMs = 5000 }: { timeoutMs?: number } = {}) {
  const stop = new AbortController()
  const news = new EventTarget()
  const origins = new Map<string, Folded>()
  const sightings: Sighting[] = []
  let state: 'running' | 'ended' | 'failed' = 'running'
  let failure: unknown
  // Number of sightings at each start of a read.
  const takes: number[] = []
  const wake = createWakeSignal({ signal: stop.signal, onTake: () => void takes.push(sightings.length) })

  function note(reading: Reading): void {
    const before = origins.get(reading.origin)
    if ('entries' in reading) origins.set(reading.origin, { reading, entries: reading.entries })
    else origins.set(reading.origin, { reading, entries: before?.entries ?? [], error: reading.error })
  }

  function see(sighting: Sighting): void {
    sightings.push(sighting)
    if (sighting.type !== 'alive') {
      for (const reading of sighting.readings) note(reading)
      const named = new Set(sighting.type === 'picture' ? sighting.readings.map(({ origin }) => origin) : [])
      const gone =
        sighting.type === 'picture' ? [...origins.keys()].filter((origin) => !named.has(origin)) : sighting.gone
      for (const origin of gone) origins.delete(origin)
    }
    news.dispatchEvent(new Event('news'))
  }

  async function run(): Promise<void> {
    try {
      for await (const sighting of source({ signal: stop.signal, wake, push: see })) see(sighting)
      state = 'ended'
    } catch (error) {
      state = 'failed'
      failure = error
    }
    news.dispatchEvent(new Event('news'))
  }

  /** Sorted names of all servers; entries with a problem have none. */
  function names(): string[] {
    const entries = [...origins.values()].flatMap((origin) => origin.entries)
    return entries
      .flatMap((entry) => ('value' in entry ? [String((entry.value as { name?: unknown }).name)] : []))
      .toSorted()
  }

  /** Resolves once `isSo` holds; checks after every sighting. Rejects with the actual state. */
  async function until(what: string, isSo: () => boolean): Promise<void> {
    const deadline = AbortSignal.timeout(timeoutMs)
    while (!isSo()) {
      await once(news, 'news', { signal: deadline }).catch(() =>
        assert.fail(`timed out waiting until ${what}: ${describe()}`),
      )
      if (state === 'failed' && !isSo())
        assert.fail(`the source failed while waiting until ${what}: ${String(failure)}`)
    }
  }

  const untilNames = (...expected: readonly string[]) =>
    until(
      `the servers are [${expected.join(', ')}]`,
      () => JSON.stringify(names()) === JSON.stringify(expected.toSorted()),
    )

  /** Requests a fresh read and waits for the sighting that answers it: the first one after the request was taken. */
  async function refresh(): Promise<Sighting> {
    const next = takes.length
    wake.raise()
    await until('the requested read is answered', () => sightings.length > (takes[next] ?? Infinity))
    return sightings[takes[next] ?? 0] as Sighting
  }

  function describe(): string {
    const all = [...origins].map(
      ([origin, { entries, error }]) => `${origin}: ${error ? error.message : `${entries.length} entries`}`,
    )
    return `${state}, ${sightings.length} sightings, servers [${names().join(', ')}], origins {${all.join('; ')}}`
  }

  /** Aborts the run and waits for its end; returns the duration in ms. */
  async function end(): Promise<number> {
    const start = performance.now()
    stop.abort()
    await running
    return performance.now() - start
  }

  const running = run()
  return {
    origins,
    sightings,
    names,
    until,
    untilNames,
    refresh,
    raise: wake.raise,
    raised: wake.raised,
    state: () => state,
    failure: () => failure,
    end,
    [Symbol.asyncDispose]: async () => void (await end()),
  }
}
