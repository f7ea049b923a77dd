import type { Reason, Status } from '../model/health.ts'
import { defaultNamespace } from '../model/identity.ts'
import type { Server } from '../model/server.ts'
import { createAgentRequests } from './agents.ts'
import { followBatches, type Following, type FollowOptions } from './follow.ts'
import type { RosterEvent } from './picture.ts'
import { type ListQuery, parametersOf, type WatchQuery } from './query.ts'
import { watchBatches, type WatchOptions } from './watch.ts'
import { type ConnectOptions, createWire } from './wire.ts'

/** A name alone is one of the namespace `default`. */
export type ServerPlace = string | { readonly namespace: string; readonly name: string }

export type ServerList = {
  readonly servers: readonly Server[]
  readonly count: number
  /** How many match; `count` of them are on this page. */
  readonly total: number
  /** A token: from here a watch may go on (`since`). */
  readonly resource_version: string
  /** Sources that have not answered yet: what is missing may only be late. */
  readonly syncing?: readonly string[]
  /** For the query of the next page. */
  readonly continue?: string
}

/** A server with what moves with every probe or heartbeat. */
export type ServerDetails = Server & {
  readonly health: Server['health'] & {
    readonly last_checked?: string
    readonly response_time_ms?: number
    readonly consecutive_failures?: number
    /** The last checks, newest last. */
    readonly history?: readonly {
      readonly at: string
      readonly ok: boolean
      readonly reason: Reason
      readonly response_time_ms: number
    }[]
  }
}

/** What a check found, and the status that followed from it: one failure alone does not make a server unhealthy. */
export type CheckOutcome = {
  readonly id: string
  readonly ok: boolean
  readonly reason: Reason
  readonly status: Status
  readonly response_time_ms: number
  readonly protocol_version?: string
  readonly checked_at: string
  /** The roster suspects itself, so the status stayed as it was. */
  readonly suspected: boolean
  readonly health: Server['health']
}

/** Clients whose config a roster can write. */
export type ClientFormat = 'claude' | 'cursor' | 'vscode'
/** The config of a client, to be written to its file as it is. */
export type ClientConfig = Readonly<Record<string, unknown>>
/** Enabled servers by name, `namespace/name` outside of `default`. */
export type ServerMap = { readonly servers: Readonly<Record<string, Server>> }

type Limits = { readonly signal?: AbortSignal | undefined }

export type Roster = ReturnType<typeof connectRoster>

/**
 * A roster, to be asked. Nothing is sent before something is asked for, and there is nothing to close.
 *
 * What gets no good answer rejects with a `RosterError`.
 */
export function connectRoster(options: ConnectOptions) {
  const wire = createWire(options)

  /** The servers that match, as of one moment; all of them, unless there is a `limit`. */
  function list(query: ListQuery = {}, { signal }: Limits = {}): Promise<ServerList> {
    return wire.ask('/servers', { parameters: parametersOf(query), signal })
  }

  /** One server. Rejects with a `RosterError` of status 404 where there is none. */
  function get(place: ServerPlace, { signal }: Limits = {}): Promise<ServerDetails> {
    return wire.ask(pathOf(place), { signal })
  }

  /**
   * What there is, and then every change of it, for ever: a lost connection is taken up where it broke, and a revision is
   * told as a whole or not at all. Ends when `signal` aborts; leaving the loop ends it too.
   */
  async function* watch(watching: WatchOptions = {}): AsyncGenerator<RosterEvent, void> {
    for await (const { events } of watchBatches(wire, watching, options)) yield* events
  }

  /** The servers that match as a map that is kept up to date; resolves once it holds what there is. */
  function follow(query: WatchQuery = {}, following: FollowOptions = {}): Promise<Following> {
    const { onPause } = following
    return followBatches((signal) => watchBatches(wire, { query, signal, onPause }, options), following)
  }

  /** The enabled servers as a map, or as a ready config of a client. */
  function discover(format?: undefined, query?: WatchQuery, limits?: Limits): Promise<ServerMap>
  function discover(format: ClientFormat, query?: WatchQuery, limits?: Limits): Promise<ClientConfig>
  function discover(format?: ClientFormat, query: WatchQuery = {}, { signal }: Limits = {}): Promise<unknown> {
    const parameters = parametersOf(query)
    if (format !== undefined) parameters.set('format', format)
    return wire.ask('/discover', { parameters, signal })
  }

  /** Has a server checked now. */
  function check(place: ServerPlace, { signal }: Limits = {}): Promise<CheckOutcome> {
    return wire.ask(`${pathOf(place)}/check`, { method: 'POST', signal })
  }

  return { list, get, watch, follow, discover, check, ...createAgentRequests(wire) }
}

function pathOf(place: ServerPlace): string {
  const { namespace, name } = typeof place === 'string' ? { namespace: defaultNamespace, name: place } : place
  return `/servers/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`
}
