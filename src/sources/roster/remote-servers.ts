import { isDeepStrictEqual } from 'node:util'
import { type Entry, type Reading, type Sighting, SourceError } from '../../model/source.ts'
import { isFields } from '../documents/entry.ts'
import { remoteIdOf, toTransferredEntry, type TransferOptions } from './transferred-server.ts'

type GoodReading = Extract<Reading, { entries: unknown }>

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
  select,
}: {
  url: string
  maxServers: number
  select: (entry: Entry) => Entry | undefined
}) {
  let readings = new Map<string, GoodReading>()
  const problems = new Map<string, Entry>()
  let rosterReading: GoodReading = { origin: url, entries: [] }

  const originOf = (id: string) => `${url}/servers/${id.split('/').map(encodeURIComponent).join('/')}`

  /** Puts the reading of one server into `target`, unless the server is not selected or has a problem. */
  function put(target: Map<string, GoodReading>, server: unknown, options: TransferOptions): void {
    const id = remoteIdOf(server)
    if (id === undefined || !isFields(server)) throw new SourceError('roster lists an item that is not a server')
    const entry = select(toTransferredEntry(server, options))
    const previous = readings.get(id)
    remove(target, id)
    if (!entry) return
    if ('problem' in entry) {
      if (problems.size < maxProblems) problems.set(id, entry)
      return
    }
    if (target.size >= maxServers)
      throw new SourceError(`roster has more than ${maxServers} servers (max_servers)`, { class: 'config' })
    const isUnchanged = previous && isDeepStrictEqual(previous.entries, [entry])
    target.set(id, isUnchanged ? previous : { origin: originOf(id), entries: [entry] })
  }

  function remove(target: Map<string, GoodReading>, id: string): void {
    target.delete(id)
    problems.delete(id)
  }

  function currentRosterReading(): GoodReading {
    const entries = [...problems.values()]
    if (!isDeepStrictEqual(rosterReading.entries, entries)) rosterReading = { origin: url, entries }
    return rosterReading
  }

  /** Starts a complete replacement: `put` every server, then `commit`. */
  function startReplacement() {
    const replacement = new Map<string, GoodReading>()
    problems.clear()
    return {
      put: (server: unknown, options: TransferOptions) => put(replacement, server, options),
      commit: (): Sighting => {
        readings = replacement
        return { type: 'picture', readings: [currentRosterReading(), ...readings.values()] }
      },
    }
  }

  /** Applies the events of one remote revision. Returns undefined if they change nothing here. */
  function applyEvents(
    events: readonly { readonly type: string; readonly server: unknown }[],
    options: TransferOptions,
  ): Sighting | undefined {
    const previousRosterReading = rosterReading
    const touched = new Map<string, GoodReading | undefined>()
    for (const { type, server } of events) {
      const id = remoteIdOf(server)
      if (id === undefined) continue
      const previous = touched.has(id) ? undefined : readings.get(id)
      if (type === 'DELETED') remove(readings, id)
      else put(readings, server, options)
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
    const origins = [url, ...[...readings.values()].map(({ origin }) => origin)]
    return { type: 'picture', readings: origins.map((origin) => ({ origin, error })) }
  }

  return { startReplacement, applyEvents, failed }
}
