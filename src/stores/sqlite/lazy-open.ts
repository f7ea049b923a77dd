import { applyOperation, isWrite } from '../compare-and-set.ts'
import type { StoreDriver } from '../driver.ts'
import { emptyEpoch } from '../epoch.ts'
import type { OperationOutcome, StoreOperation } from '../store.ts'

/**
 * A driver for an empty file, which answers without a thread: most daemons never write. The first write opens the
 * database, and so does the first read after another process has written.
 */
export function openLazily({
  isEmpty,
  open,
  pollMs,
}: {
  isEmpty: () => Promise<boolean>
  open: () => Promise<StoreDriver>
  pollMs: number
}): StoreDriver {
  let opening: Promise<StoreDriver> | undefined

  function openOnce(): Promise<StoreDriver> {
    opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  /** The driver of the database; undefined while the file is empty. */
  async function ifWritten(): Promise<StoreDriver | undefined> {
    return opening !== undefined || !(await isEmpty()) ? await openOnce() : undefined
  }

  async function commit(operations: readonly StoreOperation[]): Promise<readonly OperationOutcome[]> {
    const driver = operations.some(isWrite) ? await openOnce() : await ifWritten()
    if (driver) return driver.commit(operations)
    return operations.map((operation) => applyOperation<never>(operation, undefined, { version: '0', now: '' }))
  }

  return {
    head: async () => (await ifWritten())?.head() ?? { epoch: emptyEpoch, version: '0' },
    page: async (after) => (await ifWritten())?.page(after) ?? { registrations: [], last: '' },
    heartbeats: async () => (await ifWritten())?.heartbeats() ?? [],
    readings: async () => (await ifWritten())?.readings() ?? [],
    changesSince: async (cursor) =>
      (await ifWritten())?.changesSince(cursor) ?? { compacted: false, cursor, changes: [] },
    statistics: async (after) => (await ifWritten())?.statistics(after) ?? [],
    events: async (query) => (await ifWritten())?.events(query) ?? { events: [], newest: '0', oldest: undefined },
    pruneEvents: async (limits) => (await ifWritten())?.pruneEvents(limits) ?? 0,
    commit,
    writeHeartbeats: async (heartbeats) => await (await openOnce()).writeHeartbeats(heartbeats),
    saveReadings: async (source, fingerprint, readings) =>
      await (await openOnce()).saveReadings(source, fingerprint, readings),
    saveStatistics: async (saved, removed) => await (await openOnce()).saveStatistics(saved, removed),
    appendEvents: async (events) => await (await openOnce()).appendEvents(events),
    recover: async () => await (await openOnce()).recover(),
    // A failed open has been reported to the caller that needed the database.
    close: async () => await (await opening?.catch(() => undefined))?.close(),
    pollMs,
  }
}
