import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { FSWatcher } from 'chokidar'
import { createPathFilter, type PathPattern } from './path-patterns.ts'

/** Pause, in milliseconds, between two looks at which folders stand at the configured paths. */
const identityCheckMs = 500

/** chokidar's memory for a folder, in files: it takes some 25 KB for a folder and 1.5 KB for a file. */
const filesPerFolder = 10

/** Error codes of a system that has no inotify watch or file handle left. */
const exhaustionCodes = new Set(['EMFILE', 'ENFILE', 'ENOSPC'])

/** What the last scan found, as far as it decides what to watch. */
export type WatchScope = {
  readonly fileCount: number
  readonly folderCount: number
  /** Where symbolic links end, outside the configured paths too. */
  readonly linkTargets: readonly string[]
  /** Whether at least one configured path exists. */
  readonly anyExists: boolean
}

/** Why changes are not announced: the system is out of watches, or there are more files than may be watched. */
export type UnwatchedReason =
  | { readonly type: 'exhausted'; readonly code: string }
  | { readonly type: 'limit'; readonly fileCount: number; readonly folderCount: number }

export type FileWatcher = {
  /** Starts, changes or stops watching; returns at once. `retry`: although the system was out of watches. */
  readonly follow: (scope: WatchScope, options?: { readonly retry?: boolean }) => void
  /** The reason why files of this scope cannot be watched now; undefined when they can. */
  readonly check: (scope: WatchScope) => UnwatchedReason | undefined
  readonly close: () => Promise<void>
}

/**
 * Calls `onChange` whenever a file of the patterns may have changed. The next scan finds out what changed.
 *
 * chokidar does the watching. It is imported once a folder exists, and replaced when the set of link targets changes, or when
 * another folder takes the place of a configured one: it would go on watching the old one.
 * `onChange` is also called when a watch becomes ready: a change between the scan and that moment has no event.
 */
export function createFileWatcher({
  patterns,
  recursive,
  maxFiles,
  onChange,
  onExhausted,
}: {
  patterns: readonly PathPattern[]
  recursive: boolean
  maxFiles: number
  onChange: () => void
  /** Called once for each time the system runs out of watches. */
  onExhausted: (error: Error) => void
}): FileWatcher {
  const bases = [...new Set(patterns.map(({ base }) => resolve(base)))]
  const isRelevant = createPathFilter(patterns, { recursive })
  let watcher: FSWatcher | undefined
  let roots: ReadonlySet<string> | undefined
  let exhaustedCode: string | undefined
  /** By configured path: which file or folder stands there; undefined where none does. */
  let identities: readonly (string | undefined)[] = []
  let identityCheck: NodeJS.Timeout | undefined
  let closing: Promise<unknown> = Promise.resolve()
  let isClosed = false

  function check({ fileCount, folderCount }: WatchScope): UnwatchedReason | undefined {
    if (fileCount + filesPerFolder * folderCount > maxFiles) return { type: 'limit', fileCount, folderCount }
    return exhaustedCode === undefined ? undefined : { type: 'exhausted', code: exhaustedCode }
  }

  function follow(scope: WatchScope, { retry = false } = {}): void {
    const { linkTargets, anyExists } = scope
    const unwatched = check(scope)
    if (unwatched?.type === 'limit') stop()
    if (isClosed || (unwatched && !(unwatched.type === 'exhausted' && retry))) return
    if (!roots && !anyExists) return checkLater()
    const nextRoots = new Set([...bases, ...linkTargets.map((path) => resolve(path))])
    if (roots?.size === nextRoots.size && nextRoots.isSubsetOf(roots)) return
    stop()
    roots = nextRoots
    void start(nextRoots)
  }

  async function start(paths: ReadonlySet<string>): Promise<void> {
    const [{ watch }, found] = await Promise.all([import('chokidar'), identitiesOf(bases)])
    if (roots !== paths) return
    identities = found
    checkLater()
    const started = watch([...paths], {
      ignoreInitial: true,
      ignored: (path, stats) => !paths.has(path) && !isRelevant(path, stats),
    })
    watcher = started
    started.on('all', onChange)
    started.on('ready', () => {
      exhaustedCode = undefined
      onChange()
    })
    // Other errors concern a single path, which the scanner reports as its own.
    started.on('error', (error) => {
      const { code = '' } = error as NodeJS.ErrnoException
      if (watcher === started && exhaustionCodes.has(code)) exhaust(error as Error, code)
    })
  }

  function exhaust(error: Error, code: string): void {
    const isNew = exhaustedCode === undefined
    stop()
    exhaustedCode = code
    if (!isNew) return
    onExhausted(error)
    onChange()
  }

  function stop(): void {
    clearTimeout(identityCheck)
    identityCheck = undefined
    identities = []
    roots = undefined
    watcher?.removeAllListeners()
    // chokidar may still report what it was scanning; without a listener such an error would end the process.
    watcher?.on('error', () => undefined)
    if (watcher) closing = Promise.allSettled([closing, watcher.close()])
    watcher = undefined
  }

  function checkLater(): void {
    identityCheck ??= setTimeout(() => void checkNow(), identityCheckMs)
  }

  async function checkNow(): Promise<void> {
    const found = await identitiesOf(bases)
    if (identityCheck === undefined) return
    identityCheck = undefined
    const isReplaced = found.some((identity, at) => identity !== identities[at])
    if (!isReplaced) return checkLater()
    stop()
    onChange()
  }

  async function close(): Promise<void> {
    isClosed = true
    stop()
    await closing
  }

  return { follow, check, close }
}

async function identitiesOf(paths: readonly string[]): Promise<readonly (string | undefined)[]> {
  return Promise.all(paths.map(identityOf))
}

/** The number of the file or folder at a path, which another one in its place does not have. */
async function identityOf(path: string): Promise<string | undefined> {
  return stat(path).then(
    ({ dev, ino }) => `${dev} ${ino}`,
    () => undefined,
  )
}
