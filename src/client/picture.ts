import type { ServerId } from '../model/identity.ts'
import type { Server } from '../model/server.ts'
import { RosterError } from './error.ts'
import type { Message } from './event-stream.ts'

/** What a watch tells. The last event of each revision carries the token from which to go on. */
export type RosterEvent =
  /** A server that is there now, is another now, or (as it was last seen) is there no more. */
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly server: Server; readonly token?: string }
  /** All there is has been told, up to this token. The first one ends the opening picture. */
  | { readonly type: 'BOOKMARK'; readonly token: string }
  /**
   * Only in a watch that began with `since`, when there is no going on from there: forget what you had. What is there
   * follows as `ADDED`, up to a `BOOKMARK`. Any other watch knows what it told you, and tells you the difference instead.
   */
  | { readonly type: 'RESYNC'; readonly reason: string }

/** Events that belong together: a revision, or a picture. */
export type EventBatch = { readonly events: readonly RosterEvent[]; readonly token: string }

/** More events than that belong to no one batch. */
const mostEvents = 2_000_000

/**
 * Makes batches of the messages of a watch, and remembers what has been told, so that after a `RESYNC` the difference can
 * be: what vanished while nobody listened is told as `DELETED`.
 */
export function createPicture({ since }: { since: string | undefined }) {
  let token = since
  let known: Map<ServerId, Server> | undefined = since === undefined ? new Map() : undefined
  let waiting: RosterEvent[] = []
  /** The picture that is being told, all of it. */
  let fresh: Map<ServerId, Server> | undefined

  /** Another connection: what was told by halves is told again. */
  function restart(): void {
    waiting = []
    fresh = token === undefined ? new Map() : undefined
  }

  /** The batch that this message ends, if it does. */
  function take({ type, id, data }: Message): EventBatch | undefined {
    const said = parsed(data)
    if (type === 'RESYNC') resync(said.reason ?? '')
    else if (type === 'CLOSED') throw new RosterError(`the roster ended the watch: ${said.reason ?? ''}`)
    else if (type === 'BOOKMARK' && id !== undefined) return bookmark(id)
    else if ((type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') && said.server) {
      return fresh ? gather(said.server) : change(type, said.server, id)
    }
    return undefined
  }

  function resync(reason: string): void {
    waiting = known ? [] : [{ type: 'RESYNC', reason }]
    fresh = new Map()
  }

  function gather(server: Server): undefined {
    if ((fresh?.size ?? 0) >= mostEvents) throw new RosterError('the roster tells more servers than there can be')
    fresh?.set(server.id, server)
  }

  function change(
    type: 'ADDED' | 'MODIFIED' | 'DELETED',
    server: Server,
    id: string | undefined,
  ): EventBatch | undefined {
    if (waiting.length >= mostEvents) throw new RosterError('the roster tells more changes than there can be')
    waiting.push({ type, server, ...(id === undefined ? {} : { token: id }) })
    return id === undefined ? undefined : finish(id)
  }

  function bookmark(id: string): EventBatch {
    if (fresh) waiting.push(...differences(known ?? new Map(), fresh))
    waiting.push({ type: 'BOOKMARK', token: id })
    if (fresh) known = fresh
    fresh = undefined
    return finish(id)
  }

  function finish(id: string): EventBatch {
    const events = waiting
    waiting = []
    token = id
    for (const event of known ? events : []) note(event)
    return { events, token: id }
  }

  function note(event: RosterEvent): void {
    if (event.type === 'ADDED' || event.type === 'MODIFIED') known?.set(event.server.id, event.server)
    else if (event.type === 'DELETED') known?.delete(event.server.id)
  }

  return { restart, take, token: () => token }
}

/** What happened between two pictures. */
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
    const said: unknown = JSON.parse(data)
    return typeof said === 'object' && said !== null ? said : {}
  } catch (error) {
    throw new RosterError('the roster told something that is no JSON', { cause: error })
  }
}
