import { readlink, realpath } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Entry, type Reading, SourceError } from '../../model/source.ts'
import { readDocument, tooBig } from '../documents/read.ts'
import { contentsOf, fileError, stateOf, type Stated } from './contents.ts'
import { listPlace, type Place, type Unlisted } from './listing.ts'

const confirmMs = 100
const patienceMs = 2000
const mostLinks = 200
const filesAtOnce = 8
const filesPerRescan = 2000

/** What is known of one file: the reading that is shown, and a mark of what it came from: the hash, or the error. */
type Known = { readonly reading: Reading; readonly mark: string; readonly signature?: string }

/** Something that would take servers away, and since when. It counts once a second look, a while later, agrees. */
type Doubt = { readonly mark: string; readonly since: number; readonly first: number; readonly reading?: Reading }

type Seen = { readonly mark: string; readonly reading?: Reading; readonly loses: boolean; readonly signature?: string }

export type ScannerOptions = {
  readonly places: readonly Place[]
  readonly recursive: boolean
  readonly max_bytes: number
  readonly max_total_bytes: number
  /** What becomes of the entries of each document before they are shown. */
  readonly prepare: (entries: readonly Entry[]) => readonly Entry[]
}

export type Scan = {
  /** Every file there is. A file whose bytes are as before has the same reading object as before. */
  readonly readings: readonly Reading[]
  readonly changed: boolean
  /** Places that are not there (yet). */
  readonly missing: readonly string[]
  /** Where something may change, the places that symbolic links lead to included. */
  readonly directories: readonly string[]
  /** Whether some file is still being written, so that another look is due soon. */
  readonly unsettled: boolean
  /** Whether some file could not be read for a reason that passes: no file handle left, a drive that hiccups. */
  readonly unread: boolean
}

/** Remembers what it saw, so that looking again costs only what changed. */
export function createScanner({ places, recursive, max_bytes, max_total_bytes, prepare }: ScannerOptions) {
  const known = new Map<string, Known>()
  const doubts = new Map<string, Doubt>()
  let changed = false
  let turn = 0

  /**
   * Looks at everything once, and at what is in doubt (gone, blank, broken, half-written) once more a moment later.
   *
   * `thorough` reads files again though the file system says that they are as they were; many files take turns in it.
   */
  async function look({ thorough, signal }: { thorough: boolean; signal: AbortSignal }): Promise<Scan> {
    changed = false
    if (thorough) turn += 1
    let found = await pass({ thorough, signal })
    for (let round = 0; round < 2 && doubts.size > 0 && !signal.aborted; round++) {
      await pause(confirmMs, undefined, { signal }).catch(() => undefined)
      found = await pass({ thorough: false, signal })
    }
    const readings = Array.from(known.values(), ({ reading }) => reading)
    const unread = readings.some((reading) => 'error' in reading && reading.error.class === 'transient')
    return { readings, changed, unsettled: doubts.size > 0, unread, ...found }
  }

  async function pass({
    thorough,
    signal,
  }: {
    thorough: boolean
    signal: AbortSignal
  }): Promise<Pick<Scan, 'missing' | 'directories'>> {
    const { ranks, unlisted, ...found } = await listAll()
    const states = new Map<string, Stated>()
    await inParallel([...ranks.keys()], async (path) => {
      if (!signal.aborted) states.set(path, await stateOf(path))
    })
    if (signal.aborted) return found
    const rounds = Math.ceil(ranks.size / filesPerRescan)
    const due = thorough ? (index: number) => index % rounds === turn % rounds : () => false
    let total = 0
    const files = Array.from(ranks, ([path, rank], index) => {
      const state = states.get(path) ?? ({ type: 'gone' } as const)
      if (state.type === 'file') total += state.size
      return { path, rank, state, again: due(index), crowded: total > max_total_bytes }
    })
    await inParallel(files, async (file) => {
      if (!signal.aborted) await lookAt(file)
    })
    if (!signal.aborted) loseTheRest(ranks, unlisted)
    return found
  }

  async function listAll() {
    const ranks = new Map<string, number>()
    const unlisted: (Unlisted & { rank: number })[] = []
    const missing: string[] = []
    const directories = new Set<string>()
    const links: string[] = []
    for (const place of places) {
      const listed = await listPlace(place, { recursive })
      if (listed.type === 'missing') {
        missing.push(place.path)
        continue
      }
      for (const path of listed.files) if (!ranks.has(path)) ranks.set(path, place.rank)
      for (const directory of listed.directories) directories.add(directory)
      links.push(...listed.links)
      unlisted.push(...listed.unlisted.map((one) => ({ ...one, rank: place.rank })))
    }
    for (const directory of await targetsOf(links)) directories.add(directory)
    return { ranks, unlisted, missing, directories: [...directories] }
  }

  async function lookAt(file: {
    path: string
    rank: number
    state: Stated
    again: boolean
    crowded: boolean
  }): Promise<void> {
    const { path, rank, state } = file
    const before = known.get(path)
    if (state.type === 'gone') return note(path, { mark: 'gone', loses: true })
    const at = { origin: path, rank }
    if (state.type === 'error') return note(path, failed(at, state.error))
    if (state.size > max_bytes) return note(path, failed(at, tooBig(state.size, max_bytes)))
    if (file.crowded) return note(path, failed(at, crowdedOut(max_total_bytes)))
    if (before?.signature === state.signature && !file.again) return note(path, before && { ...before, loses: false })
    const contents = await contentsOf(path, { ...state, maxBytes: max_bytes })
    if (contents.type === 'gone') return note(path, { mark: 'gone', loses: true })
    if (contents.type === 'error') return note(path, failed(at, contents.error))
    const signature = state.fresh || contents.moving ? {} : { signature: state.signature }
    const reading = await readingOf(path, rank, contents)
    note(path, { mark: contents.hash, reading, loses: contents.moving || 'error' in reading, ...signature })
  }

  /** The reading of these bytes; the one that is known already, where it came from the same bytes. */
  async function readingOf(
    path: string,
    rank: number,
    { hash, bytes }: { hash: string; bytes: Buffer },
  ): Promise<Reading> {
    const same = [known.get(path), doubts.get(path)].find((one) => one?.mark === hash && one.reading?.rank === rank)
    if (same?.reading) return same.reading
    try {
      const format = /\.json$/i.test(path) ? 'json' : 'auto'
      return { origin: path, rank, entries: prepare(await readDocument(bytes, { format, maxBytes: max_bytes })) }
    } catch (error) {
      if (!(error instanceof SourceError)) throw error
      return { origin: path, rank, error }
    }
  }

  /** Files that are known but were not listed are gone, unless their directory could not be listed. */
  function loseTheRest(listed: ReadonlyMap<string, number>, unlisted: readonly (Unlisted & { rank: number })[]): void {
    const failing = new Set<string>()
    for (const { path: directory, error, rank } of unlisted) {
      const below = [...known.keys()].filter((path) => !listed.has(path) && isBelow(path, directory))
      for (const origin of below.length > 0 ? below : [directory]) {
        failing.add(origin)
        note(origin, failed({ origin, rank: known.get(origin)?.reading.rank ?? rank }, fileError(error)))
      }
    }
    for (const path of known.keys()) {
      if (!listed.has(path) && !failing.has(path)) note(path, { mark: 'gone', loses: true })
    }
    for (const path of doubts.keys())
      if (!listed.has(path) && !known.has(path) && !failing.has(path)) doubts.delete(path)
  }

  function note(path: string, seen: Seen | undefined): void {
    if (!seen) return
    const before = known.get(path)
    const same = before?.mark === seen.mark && before.reading.rank === seen.reading?.rank
    if (!same && seen.loses && (before || seen.reading) && !isAgreed(path, seen)) return
    doubts.delete(path)
    if (!seen.reading) {
      changed = known.delete(path) || changed
      return
    }
    changed ||= !same
    const { mark, signature } = seen
    known.set(path, {
      mark,
      reading: same ? before.reading : seen.reading,
      ...(signature !== undefined && { signature }),
    })
  }

  function isAgreed(path: string, { mark, reading }: Seen): boolean {
    const now = performance.now()
    const doubt = doubts.get(path)
    const since = doubt?.mark === mark ? doubt.since : now
    const first = doubt?.first ?? now
    doubts.set(path, { mark, since, first, ...(reading && { reading }) })
    return now - since >= confirmMs - 1 || now - first >= patienceMs
  }

  return { look }
}

/** Directories that links lead to; not the hidden ones of a Kubernetes mount, which are made anew each time. */
async function targetsOf(links: readonly string[]): Promise<string[]> {
  const targets = await Promise.all(links.slice(0, mostLinks).map(targetOf))
  return targets.flatMap((target) => (target === undefined || target.includes('/..') ? [] : dirname(target)))
}

/** Where a link ends, or where what it leads to would have to be. */
async function targetOf(link: string): Promise<string | undefined> {
  return realpath(link).catch(async () => {
    const named = await readlink(link).catch(() => undefined)
    return named === undefined ? undefined : resolve(dirname(link), named)
  })
}

function failed(at: { origin: string; rank: number }, error: SourceError): Seen {
  return { mark: `error: ${error.message}`, reading: { ...at, error }, loses: true }
}

function crowdedOut(most: number): SourceError {
  return new SourceError(`is not read: the files before it hold more than ${most} bytes together (max_total_bytes)`, {
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

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  await Promise.all(
    Array.from({ length: filesAtOnce }, async () => {
      for (const item of queue) await work(item)
    }),
  )
}
