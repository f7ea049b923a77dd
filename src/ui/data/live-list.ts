import { connectRoster, type Roster, RosterError, type Server } from '../../client/index.ts'
import { type FromWorker, type LinkState, type Row, rowFields, rowOf } from './protocol.ts'

/** The first page is short, so that something is shown soon. */
const firstPage = 100
const nextPage = 5000

/** Time for which changes are collected before they are told, in ms. The first after a pause is told at once. */
const collectMs = 80

/** Pause before the first attempt after a failure, and the longest one, in ms. */
const minPauseMs = 500
const maxPauseMs = 5000

type Listener = (message: FromWorker) => void

/**
 * Keeps the rows of one roster for several listeners: lists them in pages, then follows the watch from the revision of the first
 * page. Lists everything again where that revision is not known any more.
 */
export function createLiveList(url: string, token: string) {
  const roster = connectRoster({ url, ...(token === '' ? {} : { token }), maxBackoffMs: 2000 })
  const listeners = new Set<Listener>()
  const stopping = new AbortController()
  let rows = new Map<string, Row>()
  let total = 0
  let isComplete = false
  let link: LinkState = { state: 'connecting' }
  let wake: () => void = () => undefined
  /** One list and the watch that follows it. */
  let round = new AbortController()
  const changed = new Map<string, Row>()
  const removed = new Set<string>()
  let collecting: ReturnType<typeof setTimeout> | undefined
  let toldAt = 0

  function tell(message: FromWorker): void {
    for (const listener of listeners) listener(message)
  }

  function setLink(next: LinkState): void {
    link = next
    tell({ type: 'link', link })
  }

  function tellChanges(): void {
    collecting = undefined
    toldAt = performance.now()
    if (changed.size === 0 && removed.size === 0) return
    tell({ type: 'changes', changed: [...changed.values()], removed: [...removed] })
    changed.clear()
    removed.clear()
  }

  function note(id: string, row: Row | undefined): void {
    if (row) {
      rows.set(id, row)
      changed.set(id, row)
      removed.delete(id)
    } else {
      rows.delete(id)
      changed.delete(id)
      removed.add(id)
    }
    collecting ??= setTimeout(tellChanges, Math.max(0, toldAt + collectMs - performance.now()))
  }

  /** Lists every server; resolves with the token of the first page. */
  async function listAll(): Promise<string> {
    const fresh = new Map<string, Row>()
    let since: string | undefined
    let cursor: string | undefined
    let isFirst = true
    isComplete = false
    do {
      const page = await listPage(roster, cursor, stopping.signal)
      since ??= page.resource_version
      cursor = page.continue
      total = page.total
      const added = page.servers.map(rowOf)
      for (const row of added) fresh.set(row.id, row)
      if (isFirst) {
        rows = fresh
        // What waits to be told is older than this list.
        changed.clear()
        removed.clear()
      }
      isComplete = cursor === undefined
      tell({ type: 'rows', rows: added, total, isFirst, isComplete })
      isFirst = false
    } while (cursor !== undefined)
    return since
  }

  /** Follows from a token until the watch ends; returns once everything must be listed again. */
  async function follow(since: string): Promise<void> {
    const watch = roster.watch({
      query: { fields: rowFields },
      since,
      signal: AbortSignal.any([stopping.signal, round.signal]),
      onPause: (error, ms) => setLink({ state: 'lost', reason: error.message, retryAt: Date.now() + ms }),
      onResume: () => setLink({ state: 'live' }),
    })
    setLink({ state: 'live' })
    for await (const event of watch) {
      if (event.type === 'RESYNC') return
      if (event.type === 'DELETED') note(event.server.id, undefined)
      else if (event.type !== 'BOOKMARK') note(event.server.id, rowOf(event.server))
    }
  }

  async function run(): Promise<void> {
    let pauseMs = minPauseMs
    while (!stopping.signal.aborted) {
      round = new AbortController()
      try {
        // A daemon that has just started lacks the servers that it has not read yet; they are not gone.
        if (rows.size > 0) await assertReady(url, stopping.signal)
        const since = await listAll()
        pauseMs = minPauseMs
        const followedAt = performance.now()
        await follow(since)
        if (performance.now() - followedAt < minPauseMs) await pause(minPauseMs)
      } catch (error) {
        if (stopping.signal.aborted) return
        const { message, status = 0, code = '' } = error instanceof RosterError ? error : { message: String(error) }
        if (status === 401 || status === 403 || status === 400 || status === 404) {
          setLink({ state: 'refused', reason: message, code, status })
          return
        }
        setLink({ state: 'lost', reason: message, retryAt: Date.now() + pauseMs })
        await pause(pauseMs)
        pauseMs = Math.min(pauseMs * 2, maxPauseMs)
      }
    }
  }

  /** Waits, or until `retry`. */
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  void run()

  return {
    /** Tells a listener what is known, then every change. */
    add(listener: Listener): void {
      listener({ type: 'link', link })
      if (rows.size > 0 || isComplete)
        listener({ type: 'rows', rows: [...rows.values()], total, isFirst: true, isComplete })
      listeners.add(listener)
    },
    /** Resolves with how many listeners are left. */
    remove(listener: Listener): number {
      listeners.delete(listener)
      return listeners.size
    },
    /** Tries at once where the connection is lost. */
    retry(): void {
      if (link.state === 'lost') round.abort()
      wake()
    },
    isRefused: () => link.state === 'refused',
    stop: () => stopping.abort(),
  }
}

/** Throws while the daemon has sources that it has not read since its start. */
async function assertReady(url: string, signal: AbortSignal): Promise<void> {
  const { status } = await fetch(new URL('ready', url), { signal, cache: 'no-store' })
  if (status === 503) throw new RosterError('the daemon is reading its sources')
}

export type LiveList = ReturnType<typeof createLiveList>

type Page = {
  readonly servers: readonly Pick<Server, (typeof rowFields)[number]>[]
  readonly total: number
  readonly continue?: string
  readonly resource_version: string
}

async function listPage(roster: Roster, cursor: string | undefined, signal: AbortSignal): Promise<Page> {
  const query = {
    fields: rowFields,
    limit: cursor === undefined ? firstPage : nextPage,
    ...(cursor === undefined ? {} : { continue: cursor }),
  }
  return roster.list(query, { signal })
}
