/** What can happen. `expired` and `recovered` are about leases and probes; `rewired` is about a dependency of an agent; `member` about the daemons that share a store. */
export const eventTypes = [
  'registered',
  'unregistered',
  'added',
  'removed',
  'changed',
  'status',
  'expired',
  'recovered',
  'rewired',
  'rejected',
  'source',
  'reload',
  'member',
] as const
export type EventType = (typeof eventTypes)[number]

/** An event as it is recorded: an object at first, JSON only when it is stored. */
export type JournalEvent = {
  readonly type: EventType
  /** The name of the type in the original mesh registry; absent where it has none. */
  readonly event_type?: string | undefined
  readonly namespace?: string | undefined
  /** `namespace/name`. */
  readonly server?: string | undefined
  readonly agent_id?: string | undefined
  readonly agent_name?: string | undefined
  readonly function_name?: string | undefined
  readonly source?: string | undefined
  readonly reason?: string | undefined
  /** The caller that caused it. */
  readonly principal?: string | undefined
  /** Details; called once, and of coalesced events only where it would hold a definition. */
  readonly data?: (() => object) | undefined
  /** Reason and data hold no secret, so that they need not be searched for them. */
  readonly isRedacted?: boolean | undefined
  /** Every replica of a shared store sees it too. */
  readonly isShared?: boolean | undefined
  /** Distinguishes what may flap by itself within one server: a dependency. */
  readonly slot?: string | undefined
  /** When it happened, by a monotonic clock in ms; absent: now. */
  readonly at?: number | undefined
}

/** Takes an event; never throws, never waits. */
export type RecordEvent = (event: JournalEvent) => void
