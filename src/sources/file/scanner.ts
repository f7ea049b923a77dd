import { setTimeout as pause } from 'node:timers/promises'
import { mapConcurrent } from '../../flow/map-concurrent.ts'
import { type Entry, type Reading, SourceError } from '../../model/source.ts'
import { createParseQueue } from '../documents/parse-queue.ts'
import { formatOf } from '../documents/parse.ts'
import { readDocument, tooLargeError } from '../documents/read.ts'
import { type FileState, fileError, fileStateOf, linkTargetsOf, readContents } from './contents.ts'
import { type IgnoredEntries, listMatches, type PathPattern, type UnreadableDirectory } from './path-patterns.ts'

/** Milliseconds after which a second scan must agree that servers are gone or broken. */
const confirmationMs = 100

/** A state that keeps changing counts after this many milliseconds, confirmed or not. */
const maxDoubtMs = 2000

const maxConcurrentFiles = 8

/** Maximum number of files that one thorough scan reads again; the next scans read the rest. */
const maxFilesPerRescan = 2000

/** What the last scan knew of one file. `mark`: the hash of its bytes, or the error. */
type FileRecord = { readonly reading: Reading; readonly mark: string; readonly signature?: string }

/** A state that would remove servers. It counts once a later scan sees the same state. */
type Doubt = {
  readonly mark: string
  /** Time of the first scan that saw this state. */
  readonly since: number
  /** Time of the first scan that saw any doubtful state of the file. */
  readonly first: number
  readonly reading?: Reading
}

/** What one scan saw of a file. No reading: the file is gone. `loses`: accepting it would remove servers. */
type Observation = {
  readonly mark: string
  readonly reading?: Reading
  readonly loses: boolean
  readonly signature?: string
}

export type ScannerOptions = {
  readonly patterns: readonly PathPattern[]
  readonly recursive: boolean
  readonly max_bytes: number
  readonly max_total_bytes: number
  /** Applied to the entries of each document. */
  readonly prepare: (entries: readonly Entry[]) => readonly Entry[]
}

export type Scan = {
  /** One for every file. A file with unchanged bytes keeps its reading object. */
  readonly readings: readonly Reading[]
  readonly changed: boolean
  /** Configured paths that do not exist. */
  readonly missing: readonly string[]
  readonly folderCount: number
  /** What directories hold that is not read; the first of many. */
  readonly ignored: readonly IgnoredEntries[]
  /** Where symbolic links end. */
  readonly linkTargets: readonly string[]
  /** Whether a file is still being written, so that the next scan should follow soon. */
  readonly unsettled: boolean
  /** Whether a file could not be read for a transient reason, such as no free file handle or an I/O error. */
  readonly unread: boolean
}

/** Scans the files of the patterns, and remembers what it saw, so that the next scan costs only what changed. */
export function createScanner({ patterns, recursive, max_bytes, max_total_bytes, prepare }: ScannerOptions) {
  const parse = createParseQueue('local')
  const records = new Map<string, FileRecord>()
  const doubts = new Map<string, Doubt>()
  let changed = false
  let thoroughScans = 0

  /**
   * Reads every file once, and doubtful ones (gone, blank, broken, half-written) again a moment later.
   *
   * A thorough scan also reads files whose signature is unchanged; of many files it reads a part.
   */
  async function scan({ thorough, signal }: { thorough: boolean; signal: AbortSignal }): Promise<Scan> {
    changed = false
    if (thorough) thoroughScans += 1
    let listed = await pass({ thorough, signal })
    for (let round = 0; round < 2 && doubts.size > 0 && !signal.aborted; round++) {
      await pause(confirmationMs, undefined, { signal }).catch(() => undefined)
      listed = await pass({ thorough: false, signal })
    }
    const readings = Array.from(records.values(), ({ reading }) => reading)
    const unread = readings.some((reading) => 'error' in reading && reading.error.class === 'transient')
    return { readings, changed, unsettled: doubts.size > 0, unread, ...listed }
  }

  async function pass({
    thorough,
    signal,
  }: {
    thorough: boolean
    signal: AbortSignal
  }): Promise<Pick<Scan, 'missing' | 'linkTargets' | 'folderCount' | 'ignored'>> {
    const { ranks, unreadable, ...listed } = await listAll()
    const states = new Map<string, FileState>()
    await mapConcurrent([...ranks.keys()], maxConcurrentFiles, async (path) => {
      if (!signal.aborted) states.set(path, await fileStateOf(path))
    })
    if (signal.aborted) return listed
    const rounds = Math.ceil(ranks.size / maxFilesPerRescan)
    const isDue = thorough ? (index: number) => index % rounds === thoroughScans % rounds : () => false
    let totalBytes = 0
    const files = Array.from(ranks, ([path, rank], index) => {
      const state = states.get(path) ?? ({ type: 'gone' } as const)
      if (state.type === 'file') totalBytes += state.size
      return { path, rank, state, mustRead: isDue(index), isOverTotal: totalBytes > max_total_bytes }
    })
    await mapConcurrent(files, maxConcurrentFiles, async (file) => {
      if (!signal.aborted) await scanFile(file)
    })
    if (!signal.aborted) removeUnlisted(ranks, unreadable)
    return listed
  }

  async function listAll() {
    const ranks = new Map<string, number>()
    const unreadable: (UnreadableDirectory & { rank: number })[] = []
    const missing: string[] = []
    const links: string[] = []
    const ignored: IgnoredEntries[] = []
    let folderCount = 0
    for (const pattern of patterns) {
      const { rank } = pattern
      const matched = await listMatches(pattern, { recursive })
      if (matched.type === 'missing') {
        missing.push(pattern.path)
        continue
      }
      for (const path of matched.files) if (!ranks.has(path)) ranks.set(path, rank)
      links.push(...matched.links)
      folderCount += matched.folderCount
      if (matched.ignored.count > 0) ignored.push(matched.ignored)
      unreadable.push(...matched.unreadable.map((directory) => ({ ...directory, rank })))
    }
    return { ranks, unreadable, missing, folderCount, ignored, linkTargets: await linkTargetsOf(links) }
  }

  async function scanFile(file: {
    path: string
    rank: number
    state: FileState
    mustRead: boolean
    isOverTotal: boolean
  }): Promise<void> {
    const { path, rank, state } = file
    const record = records.get(path)
    if (state.type === 'gone') return observe(path, { mark: 'gone', loses: true })
    const origin = { origin: path, rank }
    if (state.type === 'error') return observe(path, failure(origin, state.error))
    if (state.size > max_bytes) return observe(path, failure(origin, tooLargeError(state.size, max_bytes)))
    if (file.isOverTotal) return observe(path, failure(origin, overTotalError(max_total_bytes)))
    if (record?.signature === state.signature && !file.mustRead)
      return observe(path, record && { ...record, loses: false })
    const contents = await readContents(path, { ...state, maxBytes: max_bytes })
    if (contents.type === 'gone') return observe(path, { mark: 'gone', loses: true })
    if (contents.type === 'error') return observe(path, failure(origin, contents.error))
    const signature = state.isFresh || contents.isChanging ? {} : { signature: state.signature }
    const reading = await readingOf(path, rank, contents)
    observe(path, { mark: contents.hash, reading, loses: contents.isChanging || 'error' in reading, ...signature })
  }

  /** The reading of these bytes: the previous one if it came from the same bytes. */
  async function readingOf(
    path: string,
    rank: number,
    { hash, bytes }: { hash: string; bytes: Buffer },
  ): Promise<Reading> {
    const same = [records.get(path), doubts.get(path)].find(
      (previous) => previous?.mark === hash && previous.reading?.rank === rank,
    )
    if (same?.reading) return same.reading
    try {
      const format = formatOf(path) ?? 'auto'
      return { origin: path, rank, entries: prepare(await readDocument(bytes, { format, maxBytes: max_bytes, parse })) }
    } catch (error) {
      if (!(error instanceof SourceError)) throw error
      return { origin: path, rank, error }
    }
  }

  /** Removes files that are no longer listed, except below a directory that could not be listed. */
  function removeUnlisted(
    listed: ReadonlyMap<string, number>,
    unreadable: readonly (UnreadableDirectory & { rank: number })[],
  ): void {
    const failing = new Set<string>()
    for (const { path: directory, error, rank } of unreadable) {
      const below = [...records.keys()].filter((path) => !listed.has(path) && isBelow(path, directory))
      for (const origin of below.length > 0 ? below : [directory]) {
        failing.add(origin)
        observe(origin, failure({ origin, rank: records.get(origin)?.reading.rank ?? rank }, fileError(error)))
      }
    }
    for (const path of records.keys()) {
      if (!listed.has(path) && !failing.has(path)) observe(path, { mark: 'gone', loses: true })
    }
    for (const path of doubts.keys())
      if (!listed.has(path) && !records.has(path) && !failing.has(path)) doubts.delete(path)
  }

  function observe(path: string, observation: Observation | undefined): void {
    if (!observation) return
    const { mark, signature, loses } = observation
    const record = records.get(path)
    const isSame = record?.mark === mark && record.reading.rank === observation.reading?.rank
    if (!isSame && loses && (record || observation.reading) && !isConfirmed(path, observation)) return
    doubts.delete(path)
    if (!observation.reading) {
      changed = records.delete(path) || changed
      return
    }
    changed ||= !isSame
    records.set(path, {
      mark,
      reading: isSame ? record.reading : observation.reading,
      ...(signature !== undefined && { signature }),
    })
  }

  function isConfirmed(path: string, { mark, reading }: Observation): boolean {
    const now = performance.now()
    const doubt = doubts.get(path)
    const since = doubt?.mark === mark ? doubt.since : now
    const first = doubt?.first ?? now
    doubts.set(path, { mark, since, first, ...(reading && { reading }) })
    return now - since >= confirmationMs - 1 || now - first >= maxDoubtMs
  }

  return { scan }
}

function failure(origin: { origin: string; rank: number }, error: SourceError): Observation {
  return { mark: `error: ${error.message}`, reading: { ...origin, error }, loses: true }
}

function overTotalError(maxTotalBytes: number): SourceError {
  return new SourceError(`file not read: the files of this source exceed ${maxTotalBytes} bytes (max_total_bytes)`, {
    class: 'config',
  })
}

function isBelow(path: string, directory: string): boolean {
  return (
    path === directory ||
    path.startsWith(directory === '/' ? '/' : `${directory}/`) ||
    (directory === '.' && !path.startsWith('/'))
  )
}
