import { pause } from './cancellation.ts'
import { isTransient, type RosterError } from './error.ts'
import { parametersOf } from './query.ts'
import { createReconnectPause } from './reconnect-pause.ts'
import type { RosterRequests } from './requests/roster-requests.ts'

/** What happened, as `GET /events` shows it. Fields are absent where they do not apply. */
export type JournalEvent = {
  /** A decimal number; ids grow. */
  readonly id: string
  readonly timestamp: string
  readonly type:
    | 'registered'
    | 'unregistered'
    | 'added'
    | 'removed'
    | 'changed'
    | 'status'
    | 'expired'
    | 'recovered'
    | 'rewired'
    | 'rejected'
    | 'source'
    | 'reload'
    | 'member'
  /** The name of the type in the original mesh registry, for events of agents. */
  readonly event_type: string
  readonly namespace?: string
  /** `namespace/name`. */
  readonly server?: string
  readonly agent_id?: string
  readonly agent_name?: string
  readonly function_name?: string
  readonly source?: string
  readonly reason?: string
  /** The name of the token that caused it. */
  readonly principal?: string
  readonly data?: Readonly<Record<string, unknown>>
}

/** The filters of `GET /events`; all that are given must match. */
export type EventQuery = {
  /** A type, or its name in the original mesh registry. */
  readonly type?: string | readonly string[] | undefined
  readonly agent_id?: string | undefined
  /** `namespace/name`; a plain name belongs to the namespace `default`. */
  readonly server?: string | undefined
  readonly namespace?: string | readonly string[] | undefined
  readonly function_name?: string | undefined
  readonly source?: string | readonly string[] | undefined
  /** A time, or a duration before now: `15m`. */
  readonly since?: string | undefined
  /** Maximum number of events, up to 500 (default 50). */
  readonly limit?: number | undefined
  /** Only events after this id, oldest first. */
  readonly after?: string | undefined
  /** Only events before this id. */
  readonly before?: string | undefined
}

export type EventList = {
  /** The newest first, or with `after` the oldest first. */
  readonly events: readonly JournalEvent[]
  readonly count: number
  /** Every event up to this id was considered; to follow what comes, pass it as `after`. */
  readonly last_id: string
  /** Events after `after` were removed before they could be read. */
  readonly missed?: boolean
}

export type FollowEventsOptions = {
  readonly signal?: AbortSignal | undefined
  /** Called when a request failed, with the pause before the next one. An exception ends following. */
  readonly onPause?: ((error: RosterError, ms: number) => void) | undefined
}

/** Maximum time that the roster waits for an event before it answers; less than the timeout of a request. */
const wait = '20s'

/** The requests for events: list, follow. */
export function createEventRequests({ request }: Pick<RosterRequests, 'request'>) {
  /**
   * Lists what happened, the newest first.
   *
   * @throws {RosterError} Status 400 for an invalid parameter, 403 for a foreign namespace, 404 where events are disabled.
   */
  function events(query: EventQuery = {}, { signal }: { readonly signal?: AbortSignal | undefined } = {}) {
    return request<EventList>('/events', { parameters: parametersOf(query), signal })
  }

  /**
   * Yields events as they happen, from `after` or from now on, until `signal` aborts. Each comes once, across lost connections.
   *
   * @throws {RosterError} As `events`, and status 410 where `after` is of another database.
   */
  async function* followEvents(
    query: Omit<EventQuery, 'before'> = {},
    { signal, onPause }: FollowEventsOptions = {},
  ): AsyncGenerator<JournalEvent, void> {
    const reconnect = createReconnectPause()
    let { after } = query
    for (;;) {
      if (signal?.aborted) return
      try {
        const parameters = parametersOf({ ...query, after, ...(after === undefined && { limit: 1 }) })
        if (after !== undefined) parameters.set('wait', wait)
        const list = await request<EventList>('/events', { parameters, signal })
        reconnect.connected()
        if (after !== undefined) yield* list.events
        after = list.last_id
      } catch (error) {
        if (signal?.aborted) return
        if (!isTransient(error)) throw error
        const ms = reconnect.next(error)
        onPause?.(error, ms)
        await pause(ms, signal)
      }
    }
  }

  return { events, followEvents }
}
