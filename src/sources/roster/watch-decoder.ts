import { type Sighting, SourceError } from '../../model/source.ts'
import { type RemoteServers, type RosterEvent, requireServer, rosterTooLarge } from './remote-servers.ts'
import type { TransferOptions } from './transferred-server.ts'

/** An event of the watch, as far as it is checked here. */
export type RosterWatchEvent = { readonly type?: unknown; readonly token?: unknown; readonly server?: unknown }

/** Parses one line of a watch. The error repeats nothing of it. */
export function parseRosterWatchEvent(line: string): RosterWatchEvent {
  try {
    const value: unknown = JSON.parse(line)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Reported below: the message of the parser quotes the line.
  }
  throw new SourceError('roster sent a line in its watch that is not an event')
}

/**
 * Assembles the events of a watch into sightings: a picture at the first bookmark, then one change for each revision.
 *
 * `unread`: sources that the other roster has not read; an empty picture without them is an error.
 */
export function createWatchDecoder(
  servers: RemoteServers,
  options: TransferOptions,
  { isFresh, unread = [] }: { isFresh: boolean; unread?: readonly string[] },
) {
  let token: string | undefined
  let replacement = isFresh ? servers.startReplacement(unread) : undefined
  /** The last event of each server in the revision that is coming. */
  let events = new Map<string, RosterEvent>()
  let eventBytes = 0

  /** The sighting that this event, whose line had `bytes`, completes, if any. */
  function decode({ type, token: eventToken, server }: RosterWatchEvent, bytes: number): Sighting | undefined {
    const revision = typeof eventToken === 'string' ? eventToken : undefined
    if (type === 'RESYNC') {
      replacement = servers.startReplacement(unread)
      forgetEvents()
      token = undefined
      return undefined
    }
    if (type === 'BOOKMARK') {
      const picture = replacement?.commit()
      token = revision
      replacement = undefined
      return picture ?? { type: 'alive' }
    }
    if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return undefined
    if (replacement) {
      replacement.put(server, options, bytes)
      return undefined
    }
    addEvent({ type, server, bytes })
    if (revision === undefined) return undefined
    const change = servers.applyEvents([...events.values()], options)
    forgetEvents()
    token = revision
    return change
  }

  function addEvent(event: RosterEvent): void {
    const { id } = requireServer(event.server)
    eventBytes += event.bytes - (events.get(id)?.bytes ?? 0)
    if (eventBytes > servers.maxTotalBytes) throw rosterTooLarge(servers.maxTotalBytes)
    events.set(id, event)
  }

  function forgetEvents(): void {
    events = new Map()
    eventBytes = 0
  }

  return { decode, token: () => token }
}
