import { isDeepStrictEqual } from 'node:util'
import { type Entry, type Reading, type Sighting, SourceError } from '../../model/source.ts'
import { isFields } from '../documents/entry.ts'
import { remoteIdOf, toTransferredEntry, type TransferOptions } from './transferred-server.ts'

type GoodReading = Extract<Reading, { entries: unknown }>

/** A change of a server in the watch of another roster; `bytes` is the length of its line. */
export type RosterEvent = { readonly type: string; readonly server: unknown; readonly bytes: number }

/** The readings by id of their server, and what they took on the wire. */
type State = { readonly readings: Map<string, GoodReading>; readonly sizes: Map<string, number>; bytes: number }

/** Maximum number of sources of the other roster that an error names. */
const maxNamedSources = 5

/** Maximum number of rejected servers that are kept with their problem. */
const maxProblems = 1000

export type RemoteServers = ReturnType<typeof createRemoteServers>

/**
 * The servers of another roster, each one an origin. The roster itself is an origin too, with the rejected servers as
 * entries with a problem.
 *
 * An unchanged server keeps its reading object, so that it costs the registry nothing.
 */
export function createRemoteServers({
  url,
  maxServers,
  maxTotalBytes,
  select,
}: {
  url: string
  maxServers: number
  /** Maximum bytes of all servers together, as they came. */
  maxTotalBytes: number
  select: (entry: Entry) => Entry | undefined
}) {
  let state = emptyState()
  const problems = new Map<string, Entry>()
  let rosterReading: GoodReading = { origin: url, entries: [] }

  const originOf = (id: string) => `${url}/servers/${id.split('/').map(encodeURIComponent).join('/')}`

  /** Puts the reading of one server into `target`, unless the server is not selected or has a problem. */
  function put(
    target: State,
    { server, bytes }: Pick<RosterEvent, 'server' | 'bytes'>,
    options: TransferOptions,
  ): void {
    const { id, fields } = requireServer(server)
    const entry = select(toTransferredEntry(fields, options))
    const previous = state.readings.get(id)
    remove(target, id)
    if (!entry) return
    if ('problem' in entry) {
      if (problems.size < maxProblems) problems.set(id, entry)
      return
    }
    if (target.readings.size >= maxServers)
      throw new SourceError(`roster has more than ${maxServers} servers (max_servers)`, { class: 'config' })
    const isUnchanged = previous && isDeepStrictEqual(previous.entries, [entry])
    if (target.bytes + bytes > maxTotalBytes) throw rosterTooLarge(maxTotalBytes)
    target.readings.set(id, isUnchanged ? previous : { origin: originOf(id), entries: [entry] })
    target.sizes.set(id, bytes)
    target.bytes += bytes
  }

  function remove(target: State, id: string): void {
    target.readings.delete(id)
    target.bytes -= target.sizes.get(id) ?? 0
    target.sizes.delete(id)
    problems.delete(id)
  }

  function currentRosterReading(): GoodReading {
    const entries = [...problems.values()]
    if (!isDeepStrictEqual(rosterReading.entries, entries)) rosterReading = { origin: url, entries }
    return rosterReading
  }

  /**
   * Starts a complete replacement: `put` every server, then `commit`.
   *
   * `commit` throws, and keeps the servers, where nothing was put and the other roster has sources that are `unread`: they may
   * hold every server.
   */
  function startReplacement(unread: readonly string[]) {
    const replacement = emptyState()
    problems.clear()
    return {
      put: (server: unknown, options: TransferOptions, bytes: number) => put(replacement, { server, bytes }, options),
      commit: (): Sighting => {
        if (unread.length > 0 && replacement.readings.size + problems.size === 0) throw nothingRead(unread)
        state = replacement
        return { type: 'picture', readings: [currentRosterReading(), ...state.readings.values()] }
      },
    }
  }

  /** Applies the events of one remote revision. Returns undefined if they change nothing here. */
  function applyEvents(events: readonly RosterEvent[], options: TransferOptions): Sighting | undefined {
    const { readings } = state
    const previousRosterReading = rosterReading
    const touched = new Map<string, GoodReading | undefined>()
    for (const event of events) {
      const { id } = requireServer(event.server)
      const previous = touched.has(id) ? undefined : readings.get(id)
      if (event.type === 'DELETED') remove(state, id)
      else put(state, event, options)
      if (readings.get(id) !== previous || touched.has(id)) touched.set(id, readings.get(id))
    }
    const changed = [...touched.values()].filter((reading) => reading !== undefined)
    if (currentRosterReading() !== previousRosterReading) changed.push(rosterReading)
    const gone = [...touched].filter(([, reading]) => !reading).map(([id]) => originOf(id))
    if (changed.length === 0 && gone.length === 0) return undefined
    return { type: 'change', readings: changed, gone }
  }

  /** A picture in which every origin has the error, so that all servers stay and become stale. */
  function failed(error: SourceError): Sighting {
    const origins = [url, ...[...state.readings.values()].map(({ origin }) => origin)]
    return { type: 'picture', readings: origins.map((origin) => ({ origin, error })) }
  }

  return { startReplacement, applyEvents, failed, maxTotalBytes }
}

function nothingRead(unread: readonly string[]): SourceError {
  const names = unread.slice(0, maxNamedSources).map((name) => name.slice(0, 63))
  const more = unread.length > names.length ? ` and ${unread.length - names.length} more` : ''
  return new SourceError(
    `roster lists no servers and has not read all of its own sources yet: ${names.join(', ')}${more}`,
  )
}

function emptyState(): State {
  return { readings: new Map(), sizes: new Map(), bytes: 0 }
}

/** A server of another roster with its id there. Throws for an item that is not a server. */
export function requireServer(server: unknown): { id: string; fields: Readonly<Record<string, unknown>> } {
  const id = remoteIdOf(server)
  if (id === undefined || !isFields(server)) throw new SourceError('roster lists an item that is not a server')
  return { id, fields: server }
}

export function rosterTooLarge(maxTotalBytes: number): SourceError {
  return new SourceError(`servers of the roster have more than ${maxTotalBytes} bytes (max_total_bytes)`, {
    class: 'config',
  })
}
