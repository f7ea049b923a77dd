import { setTimeout as pause } from 'node:timers/promises'
import { createBackoff } from '../../flow/backoff.ts'
import { forEachYielding, runCooperatively } from '../../flow/cooperative.ts'
import type { Log } from '../../log.ts'
import { type Store, type StoredStatistics, StoreUnavailable } from '../../stores/store.ts'
import type { Statistics } from './statistics.ts'

/** Statistics of one write. */
const batchSize = 200
/** Mean rate at which statistics are written at most, so that those of many servers do not wear out a disk. */
const maxBytesPerSecond = 128 * 1024
/** Maximum time that closing waits for the store, in ms. */
const maxCloseMs = 5000

/**
 * Keeps statistics over a restart: reads them at the start, and writes those that changed in the background.
 *
 * It writes once a minute, less often where it would exceed 128 kB a second, and when it closes. A crash loses what was counted
 * since the last write. Nothing is written before all of it is read, nor to a store in memory.
 */
export function createStatisticsArchive({
  opening,
  statistics,
  log,
  everyMs = 60_000,
}: {
  /** The store while it opens. */
  opening: Promise<Pick<Store, 'type' | 'statistics' | 'saveStatistics'>>
  statistics: Pick<Statistics, 'restore' | 'takeChanged' | 'takeForgotten' | 'putBack'>
  log: Pick<Log, 'debug' | 'warn' | 'error'>
  everyMs?: number
}) {
  const stop = new AbortController()
  const { signal } = stop
  let isRead = false
  const running = run().catch((error: unknown) => {
    if (!signal.aborted) log.error({ err: error }, 'statistics of servers are not stored any more')
  })

  async function run(): Promise<void> {
    const store = await opening.catch(() => undefined) // the start has already failed with this error
    if (!store || store.type === 'memory') return
    await readAll(store)
    isRead = true
    for (let restMs = everyMs; ;) {
      await pause(restMs, undefined, { signal, ref: false })
      restMs = Math.max(everyMs, ((await write(store)) / maxBytesPerSecond) * 1000)
    }
  }

  async function readAll(store: Pick<Store, 'statistics'>): Promise<void> {
    const backoff = createBackoff()
    for (let after: string | undefined; ;) {
      const page = await store.statistics(after).catch((error: unknown) => {
        if (error instanceof StoreUnavailable) return undefined
        throw error
      })
      signal.throwIfAborted()
      if (page?.length === 0) return
      if (page) {
        await forEachYielding(page, statistics.restore)
        after = page.at(-1)?.server
      } else await pause(backoff.next(), undefined, { signal, ref: false })
    }
  }

  /** Writes what changed; returns its bytes. */
  async function write(store: Pick<Store, 'saveStatistics'>): Promise<number> {
    const changed = statistics.takeChanged()
    let bytes = 0
    for (let removed = statistics.takeForgotten(); ; removed = []) {
      const batch = await runCooperatively(nextBatch(changed))
      if (batch.length + removed.length === 0) return bytes
      try {
        await store.saveStatistics(batch, removed)
      } catch (error) {
        statistics.putBack(
          batch.map(({ server }) => server),
          removed,
        )
        // The store reports an outage itself.
        if (!(error instanceof StoreUnavailable)) log.warn({ err: error }, 'statistics of servers not stored')
        return bytes
      }
      for (const { statistics: text } of batch) bytes += text.length
    }
  }

  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.race([finish(), pause(maxCloseMs, undefined, { ref: false })])
    },
  }

  async function finish(): Promise<void> {
    await running
    if (isRead) await write(await opening)
  }
}

function* nextBatch(changed: Iterator<StoredStatistics>): Generator<void, readonly StoredStatistics[]> {
  const batch: StoredStatistics[] = []
  while (batch.length < batchSize) {
    const next = changed.next()
    if (next.done) break
    batch.push(next.value)
    yield
  }
  return batch
}
