import { stat } from 'node:fs/promises'
import type { FSWatcher } from 'chokidar'
import type { Place } from './listing.ts'

const glanceMs = 1000

export type Watching = {
  /** Why changes are not told, so that looking often is all there is; undefined while they are. */
  readonly trouble: () => string | undefined
  /** Starts over, after trouble. */
  readonly retry: () => Promise<void>
  readonly close: () => Promise<void>
}

type Options = {
  readonly places: readonly Place[]
  readonly recursive: boolean
  readonly poke: () => void
  readonly onTrouble: (error: NodeJS.ErrnoException) => void
}

/**
 * Calls `poke` whenever something may have changed at or below the places. What it was is for the next look to find out.
 *
 * When the system has no watch left to give (EMFILE, ENOSPC), it stops with the reason as `trouble`.
 */
export function watchPlaces({ places, recursive, poke, onTrouble }: Options): Watching {
  const bases = [...new Set(places.map(({ base }) => base))]
  const deep = recursive || places.some(({ glob }) => glob)
  let watcher: FSWatcher | undefined
  let trouble: string | undefined
  let closed = false
  let glancing: NodeJS.Timeout | undefined
  let before: readonly string[] | undefined

  async function start(): Promise<void> {
    // Loaded after the first look, which does not need it.
    const { watch } = await import('chokidar')
    if (closed) return
    const started = watch(bases, {
      ignoreInitial: true,
      // Of a Kubernetes mount only the links to the files matter: with `..data` each swap shows every file gone for a while.
      ignored: (path) => /(^|\/)\.\.[^/]/.test(path),
      ...(!deep && { depth: 0 }),
    })
    watcher = started
    started.on('all', poke).on('ready', poke)
    started.on('error', (error) => fail(started, error as NodeJS.ErrnoException))
  }

  function fail(failed: FSWatcher, error: NodeJS.ErrnoException): void {
    poke()
    if (failed !== watcher || !['EMFILE', 'ENFILE', 'ENOSPC'].includes(error.code ?? '')) return
    trouble = error.code
    watcher = undefined
    void failed.close()
    onTrouble(error)
  }

  async function restart(): Promise<void> {
    const old = watcher
    watcher = undefined
    await old?.close()
    if (!closed) await start()
  }

  async function retry(): Promise<void> {
    if (trouble === undefined || closed) return
    trouble = undefined
    await restart()
  }

  /** A directory that was removed and made again within a moment is watched no longer, and nobody says so. */
  async function glance(): Promise<void> {
    const now = await Promise.all(bases.map(identityOf))
    const isNew = before !== undefined && now.some((identity, index) => identity !== before?.[index])
    before = now
    if (isNew && !closed) {
      if (trouble === undefined) await restart()
      poke()
    }
    if (!closed) glancing = setTimeout(() => void glance(), glanceMs)
  }

  void start()
  void glance()
  return {
    trouble: () => trouble,
    retry,
    close: async () => {
      closed = true
      clearTimeout(glancing)
      await watcher?.close()
    },
  }
}

async function identityOf(path: string): Promise<string> {
  return stat(path, { bigint: true }).then(
    ({ dev, ino }) => `${dev} ${ino}`,
    () => 'none',
  )
}
