import type { FSWatcher } from 'chokidar'
import type { Place } from './listing.ts'

export type Watching = {
  /** Why changes are not told, so that looking often is all there is; undefined while they are. */
  readonly trouble: () => string | undefined
  /** Starts over, after trouble. */
  readonly retry: () => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * Calls `poke` whenever something may have changed at or below the places. What it was is for the next look to find out.
 *
 * When the system has no watch left to give (EMFILE, ENOSPC), it stops with the reason as `trouble`.
 */
export function watchPlaces({
  places,
  recursive,
  poke,
  onTrouble,
}: {
  places: readonly Place[]
  recursive: boolean
  poke: () => void
  onTrouble: (error: NodeJS.ErrnoException) => void
}): Watching {
  let watcher: FSWatcher | undefined
  let trouble: string | undefined
  let closed = false

  async function start(): Promise<void> {
    // Loaded after the first look, which does not need it.
    const { watch } = await import('chokidar')
    if (closed) return
    const deep = recursive || places.some(({ glob }) => glob)
    const started = watch([...new Set(places.map(({ base }) => base))], {
      ignoreInitial: true,
      // Of a Kubernetes mount only the links to the files matter: with `..data` each swap shows every file gone for a while.
      ignored: (path) => /(^|\/)\.\.[^/]/.test(path),
      ...(!deep && { depth: 0 }),
    })
    watcher = started
    started
      .on('all', poke)
      .on('ready', poke)
      .on('error', (error) => fail(started, error as NodeJS.ErrnoException))
  }

  function fail(failed: FSWatcher, error: NodeJS.ErrnoException): void {
    poke()
    if (failed !== watcher || (error.code !== 'EMFILE' && error.code !== 'ENOSPC' && error.code !== 'ENFILE')) return
    trouble = error.code
    watcher = undefined
    void failed.close()
    onTrouble(error)
  }

  async function retry(): Promise<void> {
    if (trouble === undefined || closed) return
    trouble = undefined
    await start()
  }

  void start()
  return {
    trouble: () => trouble,
    retry,
    close: async () => {
      closed = true
      await watcher?.close()
    },
  }
}
