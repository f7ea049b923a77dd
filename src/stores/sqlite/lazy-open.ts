import type { Backend } from '../driver.ts'

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
  open: () => Promise<Backend>
  pollMs: number
}): Backend {
  let opening: Promise<Backend> | undefined

  function awake(): Promise<Backend> {
    opening ??= open().catch((error: unknown) => {
      opening = undefined
      throw error
    })
    return opening
  }

  /** The real backend if there is anything to ask it, else undefined. */
  async function ifNeeded(): Promise<Backend | undefined> {
    return opening !== undefined || !(await isEmpty()) ? await awake() : undefined
  }

  return {
    head: async () => (await ifNeeded())?.head() ?? { epoch: 'empty', version: '0' },
    page: async (after) => (await ifNeeded())?.page(after) ?? { registrations: [], last: '' },
    beats: async () => (await ifNeeded())?.beats() ?? [],
    readings: async () => (await ifNeeded())?.readings() ?? [],
    since: async (cursor) => (await ifNeeded())?.since(cursor) ?? { lost: false, cursor, news: [] },
    commit: async (operations) => await (await awake()).commit(operations),
    writeBeats: async (beats) => await (await awake()).writeBeats(beats),
    keepReadings: async (source, fingerprint, readings) =>
      await (await awake()).keepReadings(source, fingerprint, readings),
    mend: async () => await (await awake()).mend(),
    // Whoever it was opened for hears why it could not be.
    close: async () => await (await opening?.catch(() => undefined))?.close(),
    pollMs,
  }
}
