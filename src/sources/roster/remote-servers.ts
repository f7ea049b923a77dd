import { isDeepStrictEqual } from 'node:util'
import { type Entry, type Reading, type Sighting, SourceError } from '../../model/source.ts'
import { isFields } from '../documents/entry.ts'
import { remoteIdOf, toTransferredEntry, type TransferOptions } from './transferred-server.ts'

type Good = Extract<Reading, { entries: unknown }>

/** Problems of which more than this many are shown nowhere. */
const mostProblems = 1000

export type RemoteServers = ReturnType<typeof createRemoteServers>

/**
 * What is known of another roster, each server an origin of its own; the roster itself is one too, and says which of its
 * servers were turned away.
 *
 * What is as it was before is the same reading as before, so that it costs nobody anything.
 */
export function createRemoteServers({
  url,
  most,
  select,
}: {
  url: string
  most: number
  select: (entry: Entry) => Entry | undefined
}) {
  let servers = new Map<string, Good>()
  const problems = new Map<string, Entry>()
  let base: Good = { origin: url, entries: [] }

  const originOf = (id: string) => `${url}/servers/${id.split('/').map(encodeURIComponent).join('/')}`

  /** Notes one server; the reading it makes, or undefined where there is none to be shown. */
  function put(into: Map<string, Good>, server: unknown, terms: TransferOptions): Good | undefined {
    const id = remoteIdOf(server)
    if (id === undefined || !isFields(server)) throw new SourceError('lists something that is no server')
    const entry = select(toTransferredEntry(server, terms))
    const before = servers.get(id)
    drop(into, id)
    if (!entry) return undefined
    if ('problem' in entry) {
      if (problems.size < mostProblems) problems.set(id, entry)
      return undefined
    }
    if (into.size >= most) throw new SourceError(`has more than ${most} servers`, { class: 'config' })
    const reading =
      before && isDeepStrictEqual(before.entries, [entry]) ? before : { origin: originOf(id), entries: [entry] }
    into.set(id, reading)
    return reading
  }

  function drop(from: Map<string, Good>, id: string): void {
    from.delete(id)
    problems.delete(id)
  }

  function currentBase(): Good {
    const entries = [...problems.values()]
    if (!isDeepStrictEqual(base.entries, entries)) base = { origin: url, entries }
    return base
  }

  /** Begins anew: `put` what there is, then `take` it for everything. */
  function renew() {
    const next = new Map<string, Good>()
    problems.clear()
    return {
      put: (server: unknown, terms: TransferOptions) => void put(next, server, terms),
      take: (): Sighting => {
        servers = next
        return picture()
      },
    }
  }

  function picture(): Sighting {
    return { type: 'picture', readings: [currentBase(), ...servers.values()] }
  }

  /** Applies what changed in one revision over there; undefined where nothing of it concerns us. */
  function change(events: readonly { readonly type: string; readonly server: unknown }[], terms: TransferOptions) {
    const before = base
    const touched = new Map<string, Good | undefined>()
    for (const { type, server } of events) {
      const id = remoteIdOf(server)
      if (id === undefined) continue
      const was = touched.has(id) ? undefined : servers.get(id)
      if (type === 'DELETED') drop(servers, id)
      else put(servers, server, terms)
      if (servers.get(id) !== was || touched.has(id)) touched.set(id, servers.get(id))
    }
    const readings = [...touched.values()].filter((reading) => reading !== undefined)
    if (currentBase() !== before) readings.push(base)
    const gone = [...touched].filter(([, reading]) => !reading).map(([id]) => originOf(id))
    if (readings.length === 0 && gone.length === 0) return undefined
    return { type: 'change', readings, gone } satisfies Sighting
  }

  /** Nothing can be read now: everything stays, and says so. */
  function failed(error: SourceError): Sighting {
    const origins = [url, ...[...servers.values()].map(({ origin }) => origin)]
    return { type: 'picture', readings: origins.map((origin) => ({ origin, error })) }
  }

  return { renew, change, picture, failed, size: () => servers.size }
}
