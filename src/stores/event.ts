/** One event to store. Its id and its time are assigned by the store. */
export type NewEvent = EventFields & {
  /** How long ago it happened, in ms. */
  readonly age_ms: number
  /**
   * Equal for every replica that saw the same. Where another replica stored such an event within the last minute, this one
   * is not stored; each stored event stands in for one event of each replica.
   */
  readonly digest?: string
}

/** An event as the store has it. Ids grow in the order in which events become visible, over all replicas. */
export type StoredEvent = EventFields & {
  /** A decimal number. */
  readonly id: string
  /** Store clock, RFC 3339. */
  readonly at: string
}

type EventFields = {
  readonly type: string
  /** The name of the type in the original mesh registry. */
  readonly event_type: string
  readonly namespace?: string
  /** `namespace/name`. */
  readonly server?: string
  readonly agent_id?: string
  readonly function_name?: string
  readonly source?: string
  /** JSON text of the other fields, stored unchanged. */
  readonly body: string
}

/** The fields by which events are selected; all that are given must match, a list by any of its values. */
export type EventFilter = {
  readonly [Field in 'server' | 'agent_id' | 'function_name']?: string | undefined
} & {
  readonly source?: string | readonly string[] | undefined
  /** Only events whose `type` or `event_type` is one of these. */
  readonly types?: readonly string[] | undefined
  /** Only events of one of these namespaces; events without a namespace do not match. */
  readonly namespaces?: readonly string[] | undefined
  /** Only events from this time on, in ms since 1970 by the store's clock. */
  readonly since?: number | undefined
}

/** At most `limit` events of a filter: the newest first, or with `after` the oldest after that id first. */
export type EventQuery = {
  readonly filter: EventFilter
  readonly limit: number
  /** Only events with a greater id, oldest first. */
  readonly after?: string | undefined
  /** Only events with a smaller id. */
  readonly before?: string | undefined
}

export type EventPage = {
  readonly events: readonly StoredEvent[]
  /** The greatest id assigned so far, of any event; `0` before the first. Every event up to it was considered. */
  readonly newest: string
  /** The smallest id that is still stored, of any event. */
  readonly oldest: string | undefined
}

/** How many events are stored, and for how long. */
export type EventLimits = { readonly maxRows: number; readonly maxAgeMs: number }

/** Maximum events removed in one transaction. */
export const maxEventsPerPrune = 2000

/** Maximum lengths in characters. */
export const maxEventLengths = { text: 253, server: 320, body: 64 * 1024 } as const
