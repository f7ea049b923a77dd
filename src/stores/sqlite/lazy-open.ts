import type { StoreDriver } from '../driver.ts'

/**
 * A backend whose file is still empty. There is nothing in it, which needs no thread to be said: most daemons are never
 * written to. The first write wakes the real one, and so does one by another process.
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

  function awake(): Promise<StoreDriver> {
    opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  /** The real backend if there is anything to ask it, else undefined. */
  async function ifNeeded(): Promise<StoreDriver | undefined> {
    return opening !== undefined || !(await isEmpty()) ? await awake() : undefined
  }

  return {
    head: async () => (await ifNeeded())?.head() ?? { epoch: 'empty', version: '0' },
    page: async (after) => (await ifNeeded())?.page(after) ?? { registrations: [], last: '' },
    heartbeats: async () => (await ifNeeded())?.heartbeats() ?? [],
    readings: async () => (await ifNeeded())?.readings() ?? [],
    changesSince: async (cursor) =>
      (await ifNeeded())?.changesSince(cursor) ?? { compacted: false, cursor, changes: [] },
    commit: async (operations) => await (await awake()).commit(operations),
    writeHeartbeats: async (beats) => await (await awake()).writeHeartbeats(beats),
    saveReadings: async (source, fingerprint, readings) =>
      await (await awake()).saveReadings(source, fingerprint, readings),
    recover: async () => await (await awake()).recover(),
    // Whoever it was opened for hears why it could not be.
    close: async () => await (await opening?.catch(() => undefined))?.close(),
    pollMs,
  }
}
