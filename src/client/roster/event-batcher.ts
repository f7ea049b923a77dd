import type { ServerId } from '../../model/identity.ts'
import type { Server } from '../../model/server.ts'
import { RosterError } from './error.ts'
import type { StreamMessage } from './event-stream.ts'

/** An event of a watch. The last event of each revision carries the token to resume from. */
export type RosterEvent<Shown = Server> =
  /** A server appeared, changed, or is gone (`server` is its last state). */
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly server: Shown; readonly token?: string }
  /** Everything up to this token has been sent. The first one ends the opening list. */
  | { readonly type: 'BOOKMARK'; readonly token: string }
  /**
   * Only in a watch that began with `since`: the token cannot be resumed. Discard the known servers; the current ones follow as
   * `ADDED`, up to a `BOOKMARK`. Any other watch knows what it has sent and yields the difference instead.
   */
  | { readonly type: 'RESYNC'; readonly reason: string }

/** Events that belong together: one revision, or one complete list. */
export type EventBatch = {
  readonly events: readonly RosterEvent[]
  readonly token: string
  /** Why it is a complete list; undefined for changes. */
  readonly listed?: string | undefined
}

/** Maximum events in one batch; a longer one is a protocol error. */
const maxBatchEvents = 2_000_000

/**
 * Groups the messages of a watch into batches. Remembers the servers it has yielded, so that after a `RESYNC` it can yield the
 * difference: servers that vanished while the connection was down become `DELETED`.
 *
 * Servers of sources that the roster has not read yet are kept over a complete list; the next connection lists everything again.
 */
export function createEventBatcher({ since }: { since: string | undefined }) {
  let token = since
  let sent: Map<ServerId, Server> | undefined = since === undefined ? new Map() : undefined
  let waiting: RosterEvent[] = []
  /** The complete list that is arriving, and why. */
  let fresh: Map<ServerId, Server> | undefined
  let reason = ''
  /** Sources that the roster had not read when the connection began. */
  let syncing: readonly string[] = []
  /** Sources whose servers were kept over the last complete list. */
  let keptSources: ReadonlySet<string> = new Set()

  /** The token to resume from; undefined where everything must be listed. */
  const resumeToken = () => (syncing.length > 0 || keptSources.size > 0 ? undefined : token)

  /**
   * Begins a connection to a roster that has not read the sources `unread`: an incomplete batch will be sent again. Returns the
   * token to resume from, if any.
   */
  function restart(unread: readonly string[]): string | undefined {
    syncing = unread
    waiting = []
    fresh = resumeToken() === undefined ? new Map() : undefined
    reason = token === undefined ? 'no list was complete yet' : 'the roster had not read all of its sources'
    return resumeToken()
  }

  /** Returns the batch that this message completes, if any. */
  function accept({ type, id, data }: StreamMessage): EventBatch | undefined {
    const message = parsed(data)
    if (type === 'RESYNC') resync(message.reason ?? '')
    else if (type === 'CLOSED') throw new RosterError(`the roster closed the watch: ${message.reason ?? ''}`)
    else if (type === 'BOOKMARK' && id !== undefined) return bookmark(id)
    else if ((type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') && message.server) {
      return fresh ? collect(message.server) : change(type, message.server, id)
    }
    return undefined
  }

  function resync(why: string): void {
    reason = why
    waiting = sent ? [] : [{ type: 'RESYNC', reason }]
    fresh = new Map()
  }

  function collect(server: Server): undefined {
    if ((fresh?.size ?? 0) >= maxBatchEvents)
      throw new RosterError(`the roster sent more than ${maxBatchEvents} servers in one list`)
    fresh?.set(server.id, server)
  }

  function change(
    type: 'ADDED' | 'MODIFIED' | 'DELETED',
    server: Server,
    id: string | undefined,
  ): EventBatch | undefined {
    if (waiting.length >= maxBatchEvents)
      throw new RosterError(`the roster sent more than ${maxBatchEvents} changes in one revision`)
    // A server that was kept while its source was unread is no new one.
    const seen = type === 'ADDED' && sent?.has(server.id) ? 'MODIFIED' : type
    waiting.push({ type: seen, server, ...(id === undefined ? {} : { token: id }) })
    return id === undefined ? undefined : finish(id)
  }

  function bookmark(id: string): EventBatch {
    if (fresh) {
      keptSources = keepUnread(sent ?? new Map(), fresh, syncing)
      waiting.push(...differences(sent ?? new Map(), fresh))
    }
    waiting.push({ type: 'BOOKMARK', token: id })
    const listed = fresh && reason
    if (fresh) sent = fresh
    fresh = undefined
    return { ...finish(id), listed }
  }

  function finish(id: string): EventBatch {
    const events = waiting
    waiting = []
    token = id
    for (const event of sent ? events : []) remember(event)
    return { events, token: id }
  }

  function remember(event: RosterEvent): void {
    if (event.type === 'ADDED' || event.type === 'MODIFIED') sent?.set(event.server.id, event.server)
    else if (event.type === 'DELETED') sent?.delete(event.server.id)
  }

  return {
    restart,
    accept,
    token: () => token,
    keptSources: () => keptSources,
    /** Whether it knows the servers it has yielded, so that a new list can be compared. */
    canCompare: () => sent !== undefined,
  }
}

/** Adds the servers of unread sources that are missing in a new list; returns these sources. */
function keepUnread(
  before: ReadonlyMap<ServerId, Server>,
  after: Map<ServerId, Server>,
  unread: readonly string[],
): ReadonlySet<string> {
  const sources = new Set<string>()
  for (const server of before.values()) {
    if (after.has(server.id) || !unread.includes(server.source)) continue
    sources.add(server.source)
    after.set(server.id, server)
  }
  return sources
}

/** The events that turn one list into another. */
function* differences(
  before: ReadonlyMap<ServerId, Server>,
  after: ReadonlyMap<ServerId, Server>,
): Iterable<RosterEvent> {
  for (const server of before.values()) if (!after.has(server.id)) yield { type: 'DELETED', server }
  for (const server of after.values()) {
    const old = before.get(server.id)
    if (!old) yield { type: 'ADDED', server }
    else if (JSON.stringify(old) !== JSON.stringify(server)) yield { type: 'MODIFIED', server }
  }
}

function parsed(data: string): { readonly server?: Server; readonly reason?: string } {
  try {
    const value: unknown = JSON.parse(data)
    return typeof value === 'object' && value !== null ? value : {}
  } catch (error) {
    throw new RosterError('the roster sent an event that is not valid JSON', { cause: error })
  }
}
