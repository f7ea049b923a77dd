import type { Strategy } from '../../model/balancing/choose.ts'
import { defaultNamespace } from '../../model/identity.ts'
import type { Server } from '../../model/server.ts'
import { type ProblemDocument, RosterError } from './error.ts'
import { type ListQuery, parametersOf, type WatchQuery } from './query.ts'
import type { Staleness } from './requests/answer-cache.ts'
import type { RosterRequests } from './requests/roster-requests.ts'

/** Which servers may be picked, and how. */
export type PickQuery = WatchQuery & {
  /** Default: `random`. */
  readonly strategy?: Strategy | undefined
  /** What keeps its server with `sticky`: a session or a user. */
  readonly key?: string | undefined
  /** Zone and region of the caller: servers there come first. */
  readonly zone?: string | undefined
  readonly region?: string | undefined
  /** Maximum number of picks, up to 50. Default: 1. */
  readonly n?: number | undefined
}

export type PickedServer = {
  readonly server: Server
  /** Why it has this place, in words. */
  readonly reason: string
  readonly zone?: string
  readonly region?: string
  /** Moving average of its probes, in ms; with `fastest`. */
  readonly latency_ms?: number
  /** The load that it reported last; with `least_load`. */
  readonly load?: number
}

export type PickList = {
  /** Best first: the first for the call, the others for failing over. */
  readonly picks: readonly PickedServer[]
  readonly count: number
  /** Number of servers that match, whatever their status. */
  readonly matched: number
  readonly strategy: Strategy
  readonly resource_version: string
  /** Sources that have not answered yet. */
  readonly syncing?: readonly string[]
}

/** A page of servers; with `fields`, each is a `Pick` of these. */
export type ServerList<Shown = Server> = {
  readonly servers: readonly Shown[]
  readonly count: number
  /** Number of matching servers; `count` of them are on this page. */
  readonly total: number
  /** Token of this state; a watch can resume from it (`since`). */
  readonly resource_version: string
  /** Sources that have not answered yet; the list is incomplete while there are any. */
  readonly syncing?: readonly string[]
  /** Cursor for the query of the next page. */
  readonly continue?: string
  readonly stale?: Staleness
}

/** The answer to one of several queries, or its own problem. */
export type QueryResult =
  | (ServerList & { readonly problem?: undefined })
  | { readonly problem: ProblemDocument; readonly servers?: undefined }

export type QueryResults = {
  /** The one revision of all results. */
  readonly resource_version: string
  readonly count: number
  readonly syncing?: readonly string[]
  /** In the order of the queries. */
  readonly results: readonly QueryResult[]
}

/** Prior knowledge of a server of revision 2026-07-28. */
export type PriorDiscovery = {
  readonly kind: 'modern'
  /** The result of `server/discover`. */
  readonly discover: Readonly<Record<string, unknown>>
  readonly received_at: string
  readonly expires_at: string
}

/** A plain name belongs to the namespace `default`. */
export type ServerPlace = string | { readonly namespace: string; readonly name: string }

/** The path of one server. */
export function pathOf(place: ServerPlace): string {
  const { namespace, name } = typeof place === 'string' ? { namespace: defaultNamespace, name: place } : place
  // In a path these would name something else.
  for (const part of [namespace, name])
    if (['', '.', '..'].includes(part)) throw new TypeError(`no server can have the name or namespace "${part}"`)
  return `/servers/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
}

type Limits = { readonly signal?: AbortSignal | undefined }

/** The requests that choose among servers, or send several queries at once. */
export function createSelectionRequests({ request }: Pick<RosterRequests, 'request'>) {
  return {
    /**
     * Picks healthy servers that match, best first.
     *
     * @throws {RosterError} Status 404 where no server matches, 503 where none of those is healthy, 400 for an invalid parameter.
     */
    pick(query: PickQuery = {}, { signal }: Limits = {}): Promise<PickList> {
      return request('/pick', { parameters: parametersOf(query), signal })
    },
    /**
     * Reads what the MCP client takes as `prior`, so that it connects to this server without a request; undefined where there is none.
     *
     * @throws {RosterError} Status 404 where there is no such server.
     */
    async discovery(place: ServerPlace, { signal }: Limits = {}): Promise<PriorDiscovery | undefined> {
      try {
        return await request(`${pathOf(place)}/discover`, { signal })
      } catch (error) {
        if (error instanceof RosterError && error.code === 'discovery_not_found') return undefined
        throw error
      }
    },
    /**
     * Answers up to 50 queries as of one revision. A query that is invalid has a `problem` in its place.
     *
     * @throws {RosterError} Status 400 for no query or more than 50.
     */
    query(queries: readonly ListQuery[], { signal }: Limits = {}): Promise<QueryResults> {
      return request('/query', { method: 'POST', body: { queries }, signal, isRepeatable: true })
    },
  }
}
