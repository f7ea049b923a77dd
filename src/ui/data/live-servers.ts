import { signal } from '@preact/signals'
import { apiUrl } from '../router.ts'
import type { FromWorker, LinkState, Row, ToWorker } from './protocol.ts'
import { isTokenNeeded, needToken, token } from './session.ts'

/** Every server by id. Changed in place; `servers.version` says when. */
const rows = new Map<string, Row>()
const version = signal(0)
const isComplete = signal(false)
const total = signal(0)

/** How the connection to the daemon is. */
export const link = signal<LinkState>({ state: 'connecting' })

/** A change of the servers: `all` where the whole list was replaced, `more` where it has arrived further. */
export type ServersChange =
  | { readonly type: 'all' }
  | { readonly type: 'more'; readonly rows: readonly Row[] }
  | { readonly type: 'some'; readonly changed: readonly Row[]; readonly removed: readonly string[] }

const listeners = new Set<(change: ServersChange) => void>()

export const servers = {
  /** Read `version` to be told of changes. */
  rows: rows as ReadonlyMap<string, Row>,
  version,
  isComplete,
  /** Servers that there are, while the list still arrives. */
  total,
  /** Calls back with each change; the result ends that. */
  subscribe(listener: (change: ServersChange) => void): () => void {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  },
}

function accept(message: FromWorker): void {
  if (message.type === 'link') {
    link.value = message.link
    if (message.link.state === 'refused' && message.link.status === 401) needToken()
    if (message.link.state === 'live') isTokenNeeded.value = false
    return
  }
  if (message.type === 'rows') {
    if (message.isFirst) rows.clear()
    for (const row of message.rows) rows.set(row.id, row)
    total.value = message.total
    isComplete.value = message.isComplete
    announce(message.isFirst ? { type: 'all' } : { type: 'more', rows: message.rows })
    return
  }
  for (const id of message.removed) rows.delete(id)
  for (const row of message.changed) rows.set(row.id, row)
  total.value = rows.size
  announce({ type: 'some', changed: message.changed, removed: message.removed })
}

function announce(change: ServersChange): void {
  for (const listener of listeners) listener(change)
  version.value += 1
}

/** The way to the list: a shared worker, or this tab where the browser has none. */
type Line = { readonly send: (message: ToWorker) => void }

function openLine(): Promise<Line> | Line {
  if (!('SharedWorker' in globalThis)) return openLocally()
  const worker = new SharedWorker(new URL(SHARED_WORKER, import.meta.url), { type: 'module', name: 'mcp-roster' })
  worker.port.addEventListener('message', ({ data }: MessageEvent<FromWorker>) => accept(data))
  worker.port.start()
  return { send: (message) => worker.port.postMessage(message) }
}

/** Time for which a hidden tab that has no shared worker keeps its connection, in ms. */
const hiddenMs = 30_000

async function openLocally(): Promise<Line> {
  const { createLiveList } = await import('./live-list.ts')
  let list: ReturnType<typeof createLiveList> | undefined
  let last: ToWorker | undefined
  let hiding: ReturnType<typeof setTimeout> | undefined

  function send(message: ToWorker): void {
    if (message.type === 'retry') return list?.retry()
    list?.stop()
    list = undefined
    if (message.type !== 'open') return
    last = message
    list = createLiveList(message.url, message.token)
    list.add(accept)
  }

  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiding)
    if (document.hidden) hiding = setTimeout(() => send({ type: 'close' }), hiddenMs)
    else if (!list && last) send(last)
  })
  return { send }
}

let line: Promise<Line> | Line | undefined

async function send(message: ToWorker): Promise<void> {
  line ??= openLine()
  const opened = await line
  opened.send(message)
}

/** Begins to follow the servers. A page of which there are several tabs shares one connection. */
export function followServers(): void {
  const start = () => void send({ type: 'open', url: apiUrl.href, token: token.peek() })
  token.subscribe(start)
  addEventListener('pagehide', () => void send({ type: 'close' }).then(() => (line = undefined)))
  addEventListener('pageshow', (event) => event.persisted && start())
}

/** Tries again at once where the connection is lost. */
export function retryNow(): void {
  if (link.peek().state === 'refused') void send({ type: 'open', url: apiUrl.href, token: token.peek() })
  else void send({ type: 'retry' })
}
