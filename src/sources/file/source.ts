import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createDebounce } from '../../flow/debounce.ts'
import { joinWakeSignals } from '../../flow/wake-signal.ts'
import type { Log } from '../../log.ts'
import type { Sighting, Source, SourceRun } from '../../model/source.ts'
import { expandEntries } from '../documents/expand-variables.ts'
import { describeIgnored, parsePathPattern } from './path-patterns.ts'
import { createScanner, type Scan, type ScannerOptions } from './scanner.ts'
import { createFileWatcher, type UnwatchedReason } from './watcher.ts'

/** Seconds between two scans while the system has no file watch left, or a file could not be read. */
const pollSeconds = 2

/** Seconds until the next scan while a file is being written. */
const unsettledSeconds = 0.1

/** Maximum number of mounted files that a note names. */
const maxNamedFiles = 10

type FileSourceOptions = Pick<ScannerOptions, 'recursive' | 'max_bytes' | 'max_total_bytes'> & {
  readonly paths: readonly string[]
  readonly expand: boolean
  readonly rescan: number
  readonly max_watched_files: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

/** Shows what the files at `paths` hold, and again whenever that changes. */
export function createFileSource(options: FileSourceOptions): Source {
  const { paths, expand, recursive, rescan, max_watched_files: maxFiles, env, log } = options
  const patterns = paths.map(parsePathPattern)
  const prepare: ScannerOptions['prepare'] = expand ? (entries) => expandEntries(entries, env) : (entries) => entries

  return async function* ({ signal, wake: refresh }: SourceRun): AsyncGenerator<Sighting> {
    const wake = joinWakeSignals({ wake: refresh, signal })
    const debounce = createDebounce({ act: wake.raise })
    const scanner = createScanner({ ...options, patterns, prepare })
    const watcher = createFileWatcher({
      patterns,
      recursive,
      maxFiles,
      onChange: debounce.trigger,
      onExhausted: (error) => log.warn({ err: error }, 'file watches exhausted, polling instead'),
    })
    let lastThorough = 0
    let mounts: readonly string[] = []
    let loggedIgnored = ''
    try {
      for (let isFirst = true; !signal.aborted; isFirst = false) {
        // After an event the signatures of the file system decide; the regular rescan and a refresh read again.
        const thorough = isFirst || refresh.raised() || performance.now() - lastThorough >= 1000 * rescan
        if (thorough) lastThorough = performance.now()
        wake.take()
        const scan = await scanner.scan({ thorough, signal })
        if (signal.aborted) return
        if (isFirst) mounts = await findFileMounts(scan, log)
        loggedIgnored = logIgnored(scan, loggedIgnored, log)
        const scope = {
          fileCount: scan.readings.length,
          folderCount: scan.folderCount,
          linkTargets: scan.linkTargets,
          anyExists: scan.missing.length < patterns.length,
        }
        if (!isFirst) watcher.follow(scope, { retry: thorough })
        yield sightingOf(scan, { isFirst, notes: notesOf(scan, { unwatched: watcher.check(scope), mounts, maxFiles }) })
        // The first answer does not wait for chokidar to load.
        if (isFirst) watcher.follow(scope)
        const isPolled = scan.unread || watcher.check(scope)?.type === 'exhausted'
        await wake.wait(1000 * (scan.unsettled ? unsettledSeconds : isPolled ? Math.min(pollSeconds, rescan) : rescan))
      }
    } finally {
      debounce.close()
      await watcher.close()
    }
  }
}

/** Logs what is ignored where that changed; returns its text. */
function logIgnored({ ignored }: Scan, before: string, log: Log): string {
  const text = ignored.map(describeIgnored).join('; ')
  if (text !== '' && text !== before) log.info({ ignored }, 'files ignored')
  return text
}

/** Files that are mount points, whose updates never arrive; logged once. */
async function findFileMounts({ readings }: Scan, log: Log): Promise<readonly string[]> {
  // No such list on systems other than Linux: then no file counts as a mount.
  const points = parseMountPoints(await readFile('/proc/self/mountinfo', 'utf8').catch(() => ''))
  const mounts = readings
    .map(({ origin }) => origin)
    .filter((path) => points.has(resolve(path)))
    .slice(0, maxNamedFiles)
  if (mounts.length > 0)
    log.warn({ files: mounts }, 'single-file mounts found; their updates may never arrive: mount the directories')
  return mounts
}

/**
 * The mount points in a Linux `mountinfo` (proc_pid_mountinfo(5)), where blanks are written in octal.
 *
 * A file is one when Kubernetes mounts it by `subPath`, or a container by `-v FILE:FILE`. Such a mount keeps the original
 * file: a file that replaces it is never seen there.
 */
export function parseMountPoints(mountinfo: string): Set<string> {
  const points = mountinfo.split('\n').flatMap((line) => line.split(' ')[4] ?? [])
  return new Set(points.map((point) => point.replaceAll(/\\([0-7]{3})/g, (_, code: string) => decodeOctal(code))))
}

const decodeOctal = (code: string) => String.fromCodePoint(Number.parseInt(code, 8))

function notesOf(
  { missing, ignored }: Scan,
  {
    unwatched,
    mounts,
    maxFiles,
  }: { unwatched: UnwatchedReason | undefined; mounts: readonly string[]; maxFiles: number },
): string[] {
  const notes = missing.map((path) => `waiting for ${path}`)
  if (unwatched?.type === 'exhausted') notes.push(`polling: the system has no file watch left (${unwatched.code})`)
  if (unwatched?.type === 'limit') notes.push(overLimitNote(unwatched, maxFiles))
  for (const path of mounts)
    notes.push(`${path} is a mount of its own (a subPath?) and may never change; mount its directory instead`)
  return [...notes, ...ignored.map(describeIgnored)]
}

function overLimitNote(
  { fileCount, folderCount }: Extract<UnwatchedReason, { type: 'limit' }>,
  maxFiles: number,
): string {
  const folders = folderCount === 1 ? '1 folder' : `${folderCount} folders`
  return `rescanning only: ${fileCount} files in ${folders} exceed max_watched_files (${maxFiles})`
}

function sightingOf(
  { readings, changed }: Scan,
  { isFirst, notes }: { isFirst: boolean; notes: readonly string[] },
): Sighting {
  const note = notes.length > 0 && { note: notes.join('; ') }
  return isFirst || changed ? { type: 'picture', readings, ...note } : { type: 'alive', ...note }
}
