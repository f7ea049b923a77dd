import type { Reason, Status } from '../../model/health.ts'
import type { Server } from '../../model/server.ts'
import { createAgentRequests } from './agents.ts'
import { createClusterRequests } from './cluster.ts'
import type { RosterEvent } from './event-batcher.ts'
import { createEventRequests } from './events.ts'
import { followBatches, type Following, type FollowOptions } from './follow.ts'
import { createMeshQueries } from './mesh-queries.ts'
import { type FieldQuery, type ListQuery, parametersOf, type WatchedField, type WatchQuery } from './query.ts'
import type { Staleness } from './requests/answer-cache.ts'
import type { ConnectOptions } from './requests/roster-http.ts'
import { createRosterRequests } from './requests/roster-requests.ts'
import { createSelectionRequests, pathOf, type ServerList, type ServerPlace } from './selection.ts'
import { watchBatches, type WatchOptions } from './watch.ts'

/** A server with the values that change with every probe or heartbeat. */
export type ServerDetails = Server & {
  /** The location of the definition in `origin`: `line 12, servers.weather`. */
  readonly where?: string
  readonly health: Server['health'] & {
    readonly last_checked?: string
    readonly response_time_ms?: number
    readonly consecutive_failures?: number
    /** The last probes, newest last. */
    readonly history?: readonly {
      readonly at: string
      readonly ok: boolean
      readonly reason: Reason
      readonly response_time_ms: number
    }[]
  }
  readonly stale?: Staleness
}

/** The result of one probe, and the status that follows from it: a single failure does not make a server unhealthy. */
export type ServerProbe = {
  readonly id: string
  readonly ok: boolean
  readonly reason: Reason
  readonly status: Status
  readonly response_time_ms: number
  readonly protocol_version?: string
  readonly checked_at: string
  /** The roster is in self-preservation: the probe did not change the status. */
  readonly suspected: boolean
  readonly health: Server['health']
}

/** MCP clients whose config format the roster writes. */
export type ClientFormat = 'claude' | 'cursor' | 'vscode'
/** The complete content of a client's config file. */
export type ClientConfig = Readonly<Record<string, unknown>>
/** Enabled servers by name; outside of the namespace `default`, by `namespace/name`. */
export type ServerMap = { readonly servers: Readonly<Record<string, Server>>; readonly stale?: Staleness }

type RequestLimits = { readonly signal?: AbortSignal | undefined }

export type Roster = ReturnType<typeof connectRoster>

/**
 * A client of one roster. It connects on the first request and needs no closing.
 *
 * @throws {TypeError} `url` is not an http or https URL.
 * @example
 * const roster = connectRoster({ url: 'http://localhost:8000' })
 * const { servers } = await roster.list({ tag: 'production', status: 'healthy' })
 */
export function connectRoster(options: ConnectOptions) {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null)
    throw new TypeError("connectRoster takes an object: { url: 'http://localhost:8000' }")
  const http = createRosterRequests(options)

  /**
   * Lists the matching servers as of one revision; all of them, unless there is a `limit`. With `fields`, only these of each.
   *
   * @throws {RosterError} Status 400 for an unknown or invalid parameter, 0 where no daemon answers.
   */
  function list<const Field extends keyof Server = keyof Server>(
    query: ListQuery & FieldQuery<Field> = {},
    { signal }: RequestLimits = {},
  ): Promise<ServerList<Pick<Server, Field>>> {
    return http.request('/servers', { parameters: parametersOf(query), signal, isKept: true })
  }

  /**
   * The servers that match and that a caller may use now: enabled, and healthy or of a kind that cannot be checked (stdio).
   *
   * @throws {RosterError} As for `list`.
   */
  async function find(
    query: Omit<ListQuery, 'status' | 'enabled' | 'limit' | 'continue'> = {},
    limits: RequestLimits = {},
  ): Promise<readonly Server[]> {
    return (await list({ ...query, status: ['healthy', 'unknown'], enabled: true }, limits)).servers
  }

  /**
   * Reads one server; with `secrets` also its headers and environment.
   *
   * @throws {RosterError} Status 404 where there is no such server, 403 without the right `secrets`.
   */
  function get(
    place: ServerPlace,
    { signal, secrets = false }: RequestLimits & { readonly secrets?: boolean } = {},
  ): Promise<ServerDetails> {
    // Secrets are not kept.
    if (secrets) return http.request(pathOf(place), { signal, parameters: parametersOf({ secrets }) })
    return http.request(pathOf(place), { signal, isKept: true })
  }

  /**
   * Yields the matching servers, then every change, until `signal` aborts or the loop is left. Reconnects and resumes after a
   * lost connection; the events of a revision arrive together or not at all. With `fields`, only these of each, `id` and `source`.
   *
   * @throws {RosterError} The query is invalid, the token lacks the right, or the other side is not a roster.
   */
  async function* watch<const Field extends keyof Server = keyof Server>(
    watching: WatchOptions<Field> = {},
  ): AsyncGenerator<RosterEvent<Pick<Server, Field | WatchedField>>, void> {
    for await (const { events } of watchBatches(http, watching, options)) yield* events
  }

  /**
   * Keeps a map of the matching servers up to date; resolves once the map is complete. With `fields`, it holds only these of
   * each, `id` and `source`, and a change in others alone is no change.
   *
   * @throws {RosterError} As for `watch`.
   */
  function follow<const Field extends keyof Server = keyof Server>(
    query: WatchQuery & FieldQuery<Field> = {},
    following: FollowOptions<Pick<Server, Field | WatchedField>> = {},
  ): Promise<Following<Pick<Server, Field | WatchedField>>> {
    const { onPause, onResume } = following
    return followBatches((signal) => watchBatches(http, { query, signal, onPause, onResume }, options), following)
  }

  /**
   * Returns the enabled servers as a map, or as the config of an MCP client.
   *
   * @throws {RosterError} Status 503 while no source has answered yet.
   */
  function discover(format?: undefined, query?: WatchQuery, limits?: RequestLimits): Promise<ServerMap>
  function discover(format: ClientFormat, query?: WatchQuery, limits?: RequestLimits): Promise<ClientConfig>
  function discover(format?: ClientFormat, query: WatchQuery = {}, { signal }: RequestLimits = {}): Promise<unknown> {
    const parameters = parametersOf(query)
    if (format !== undefined) parameters.set('format', format)
    return http.request('/discover', { parameters, signal, isKept: true })
  }

  /**
   * Probes a server now.
   *
   * @throws {RosterError} Status 403 without the role `admin`, 404 where there is no such server.
   */
  function probe(place: ServerPlace, { signal }: RequestLimits = {}): Promise<ServerProbe> {
    return http.request(`${pathOf(place)}/probe`, { method: 'POST', signal })
  }

  return {
    list,
    find,
    get,
    watch,
    follow,
    discover,
    probe,
    /** @deprecated Use `probe`. */
    check: probe,
    ...createAgentRequests(http),
    ...createEventRequests(http),
    ...createSelectionRequests(http),
    ...createMeshQueries(http),
    ...createClusterRequests(http),
  }
}
