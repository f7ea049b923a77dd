import { type Sighting, SourceError } from '../../model/source.ts'
import type { RemoteServers } from './remote-servers.ts'
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

/** Assembles the events of a watch into sightings: a picture at the first bookmark, then one change for each revision. */
export function createWatchDecoder(
  servers: RemoteServers,
  options: TransferOptions,
  { isFresh }: { isFresh: boolean },
) {
  let token: string | undefined
  let replacement = isFresh ? servers.startReplacement() : undefined
  let events: { type: string; server: unknown }[] = []

  /** The sighting that this event completes, if any. */
  function decode({ type, token: eventToken, server }: RosterWatchEvent): Sighting | undefined {
    const revision = typeof eventToken === 'string' ? eventToken : undefined
    if (type === 'RESYNC') {
      replacement = servers.startReplacement()
      events = []
      token = undefined
      return undefined
    }
    if (type === 'BOOKMARK') {
      token = revision
      const picture = replacement?.commit()
      replacement = undefined
      return picture ?? { type: 'alive' }
    }
    if (type !== 'ADDED' && type !== 'MODIFIED' && type !== 'DELETED') return undefined
    if (replacement) {
      replacement.put(server, options)
      return undefined
    }
    events.push({ type, server })
    if (revision === undefined) return undefined
    const change = servers.applyEvents(events, options)
    events = []
    token = revision
    return change
  }

  return { decode, token: () => token }
}
