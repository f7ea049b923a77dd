import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { isLitter } from './listing.ts'

/** With the pauses that follow, what is put into a directory that was not there is seen within a second. */
const glanceMs = 500

export type Watching = {
  /** From now on these directories are watched, and the places where more may come to be are glanced at. */
  readonly follow: (found: {
    directories: readonly string[]
    bases: readonly string[]
    retry: boolean
  }) => Promise<void>
  /** Why changes are not told, so that looking often is all there is; undefined while they are. */
  readonly trouble: () => string | undefined
  readonly close: () => void
}

/**
 * Calls `poke` whenever something may have changed in a directory. What it was is for the next look to find out.
 *
 * One system watch per directory is all that needs: a watcher that knows every file costs 160 MB for 20,000 of them.
 * When the system has no watch left to give (EMFILE, ENOSPC), none is kept, with the reason as `trouble`, until a retry.
 */
export function watchDirectories({
  poke,
  onTrouble,
}: {
  poke: () => void
  onTrouble: (error: Error) => void
}): Watching {
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>()
  let bases = new Map<string, string>()
  let trouble: string | undefined
  let isTold = false
  let closed = false
  let glancing: NodeJS.Timeout | undefined

  async function follow(found: {
    directories: readonly string[]
    bases: readonly string[]
    retry: boolean
  }): Promise<void> {
    bases = new Map(found.bases.map((base) => [base, bases.get(base) ?? 'not yet seen']))
    if (trouble !== undefined && !found.retry) return
    trouble = undefined
    const wanted = new Set(found.directories)
    for (const path of watchers.keys()) if (!wanted.has(path)) drop(path)
    let added = false
    for (const path of wanted) {
      const identity = await identityOf(path)
      if (closed || trouble !== undefined) return
      if (watchers.get(path)?.identity === identity) continue
      drop(path)
      if (identity !== gone) added = add(path, identity) || added
    }
    isTold = false
    // What happened between the look and the watch was told to nobody.
    if (added) poke()
  }

  function add(path: string, identity: string): boolean {
    try {
      const watcher = watch(path, (event, name) => {
        // It may have ended, and the next one of its name can even have the same inode.
        if (event === 'rename' && name === basename(path)) watchers.set(path, { watcher, identity: gone })
        if (name === null || name.startsWith('..data') || !isLitter(name)) poke()
      })
      watcher.on('error', (error) => fail(path, error))
      watchers.set(path, { watcher, identity })
      return true
    } catch (error) {
      fail(path, error as NodeJS.ErrnoException)
      return false
    }
  }

  function fail(path: string, error: NodeJS.ErrnoException): void {
    drop(path)
    if (!['EMFILE', 'ENFILE', 'ENOSPC'].includes(error.code ?? '')) return
    trouble = error.code
    for (const other of watchers.keys()) drop(other)
    poke()
    if (!isTold) onTrouble(error)
    isTold = true
  }

  function drop(path: string): void {
    watchers.get(path)?.watcher.close()
    watchers.delete(path)
  }

  /** A directory that came to be, or was removed and made again within a moment: no watch tells of it. */
  async function glance(): Promise<void> {
    for (const [base, before] of bases) {
      const now = await identityOf(base)
      bases.set(base, now)
      if (before !== now) poke()
    }
    if (!closed) glancing = setTimeout(() => void glance(), glanceMs)
  }

  function close(): void {
    closed = true
    clearTimeout(glancing)
    for (const path of watchers.keys()) drop(path)
  }

  void glance()
  return { follow, trouble: () => trouble, close }
}

const gone = 'gone'

/** Which directory it is, not only what it is called, and who may read it. */
async function identityOf(path: string): Promise<string> {
  return stat(path).then(
    ({ dev, ino, birthtimeMs, mode }) => `${dev} ${ino} ${birthtimeMs} ${mode}`,
    () => gone,
  )
}
