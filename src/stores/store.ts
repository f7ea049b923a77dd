import type { EventLimits, EventPage, EventQuery, NewEvent } from './event.ts'
import type { Fence, MemberTable } from './member.ts'
import type { VerdictTable } from './verdict.ts'

/**
 * Durable storage of registered agents, manual servers, the last heartbeats, the last good readings of pulled sources,
 * the statistics of servers, and a bounded number of events. It holds facts only; derived state is rebuilt from them.
 *
 * - **Durable.** `commit` resolves once the database has synced it to disk. An acknowledged write is never lost. A
 *   rejected one may have taken effect, where the connection broke at the wrong moment, and then comes by `changes`.
 * - **Versioned.** Every put and delete gets a `resource_version` greater than all before it, across restarts and across
 *   all replicas of one database, in the order in which they took effect.
 * - **Resilient.** A store that is down rejects writes at once with `StoreUnavailable`, buffers a bounded number of
 *   heartbeats, and recovers by itself. It rejects `load` and `readings` too: callers hold a copy.
 * - **One clock.** Replicas never compare their clocks: times are the store's, ages are durations by its clock.
 */
export type Store = AsyncDisposable & {
  readonly type: StoreType
  /** All registrations and heartbeats, and the version from which `changes` continues. */
  readonly load: () => Promise<StoreSnapshot>
  /**
   * Executes all operations in one transaction, in order, each on the result of those before it. An operation whose
   * precondition fails changes nothing, and does not affect the others. Outcomes have the order of the operations. Calls
   * take effect in the order in which they were made. A batch that only confirms is one read.
   */
  readonly commit: (operations: readonly StoreOperation[]) => Promise<readonly OperationOutcome[]>
  /** Buffers heartbeats; they are written together, soon enough for other replicas (a third of `timeout`). */
  readonly recordHeartbeats: (heartbeats: readonly ReceivedHeartbeat[]) => void
  /**
   * Changes that other writers made after version `since`, and heartbeats that they received. Ends when `signal` aborts;
   * waits while the store is down. Own writes may come too, so the caller ignores a version older than its own.
   */
  readonly changes: (follow: {
    readonly since: string
    readonly signal: AbortSignal
  }) => AsyncIterable<readonly StoreChange[]>
  /** Replaces the stored readings of one source. */
  readonly saveReadings: (source: string, fingerprint: string, readings: readonly StoredReading[]) => Promise<void>
  /** The stored readings of all sources. */
  readonly readings: () => Promise<readonly StoredSource[]>
  /** Stores events in one transaction, in order. The caller buffers them, and retries while the store is down. */
  readonly appendEvents: (events: readonly NewEvent[]) => Promise<void>
  readonly events: (query: EventQuery) => Promise<EventPage>
  /** Removes events beyond the limits, oldest first, in short transactions; none once the term of `fence` is over. */
  readonly pruneEvents: (limits: EventLimits, fence?: Fence) => Promise<void>
  /** Forgets deletions that no follower needs any more, unless the term of `fence` is over. A store of one daemon does so by itself. */
  readonly pruneDeletions: (fence?: Fence) => Promise<void>
  /** Stores the statistics of servers, each in place of the earlier ones, and removes those of others. */
  readonly saveStatistics: (saved: readonly StoredStatistics[], removed: readonly string[]) => Promise<void>
  /** A page of the statistics after a server, ordered by the bytes of its id; the last page is empty. */
  readonly statistics: (after: string | undefined) => Promise<readonly StoredStatistics[]>
  /** The daemons that share this store; undefined where only one can use it. */
  readonly members?: MemberTable | undefined
  /** What their probes showed; undefined where `members` is. */
  readonly verdicts?: VerdictTable | undefined
  readonly state: () => StoreState
  /** Flushes buffered writes and closes the database. */
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export type StoreType = 'memory' | 'sqlite' | 'postgres' | 'mysql'

/**
 * Agent ids are unique over all namespaces; the names of manual servers, and of servers with an override, in their namespace.
 */
export type RegistrationKind = 'agent' | 'manual' | 'override'

export type RegistrationKey = { readonly kind: RegistrationKind; readonly namespace: string; readonly name: string }

/** How long a registration lasts without a heartbeat, in seconds, and its owner. */
export type StoredLease = {
  readonly timeout: number
  readonly eviction: number
  readonly instance_id?: string
  readonly holder?: string
}

export type StoredRegistration = RegistrationKey & {
  /** JSON text, stored unchanged. */
  readonly definition: string
  readonly lease?: StoredLease
  readonly resource_version: string
  /** Store clock, RFC 3339. */
  readonly created_at: string
  readonly updated_at: string
}

/** `any`: no condition; `none`: must not exist; a version: must have exactly this version. */
export type WriteCondition = 'any' | 'none' | { readonly version: string }

/** `fence`: executed only while this term of a member lasts. */
type FencedKey = RegistrationKey & { readonly fence?: Fence | undefined }

/** A put of an agent whose id exists in another namespace moves the agent. */
export type StoreOperation =
  | (FencedKey & {
      readonly type: 'put'
      readonly definition: string
      readonly lease?: StoredLease
      readonly expect: WriteCondition
      /** Set by an import; a new registration is otherwise created now. RFC 3339. */
      readonly created_at?: string
    })
  | (FencedKey & { readonly type: 'delete'; readonly expect: Exclude<WriteCondition, 'none'> })
  /**
   * Deletes an agent that no daemon has heard of for `silent_ms` by the store's clock. The caller answers for the heartbeats that it
   * received itself.
   */
  | (FencedKey & {
      readonly type: 'retire'
      readonly expect: { readonly version: string }
      readonly silent_ms: number
    })
  /** Writes nothing: asks whether that is what is stored, before a write is answered from memory. */
  | (RegistrationKey & { readonly type: 'confirm'; readonly expect: Exclude<WriteCondition, 'any'> })

export type OperationOutcome =
  | { readonly type: 'put'; readonly registration: StoredRegistration; readonly created: boolean }
  | { readonly type: 'deleted'; readonly before: StoredRegistration; readonly resource_version: string }
  | { readonly type: 'confirmed' }
  /** Not retired: another daemon has stored this heartbeat. */
  | { readonly type: 'alive'; readonly heartbeat: StoredHeartbeat }
  /** Not executed: the term of its fence is over. */
  | { readonly type: 'fenced' }
  /** The stored registration; undefined where none exists. */
  | { readonly type: 'conflict'; readonly current: StoredRegistration | undefined }
  /** No store can hold it: a NUL or a lone surrogate in a text, or a text beyond its limit. It was not attempted. */
  | { readonly type: 'rejected'; readonly reason: string }

/** A heartbeat of the agent `name`, received `age_ms` ago. */
export type ReceivedHeartbeat = {
  readonly name: string
  readonly age_ms: number
  /** Seconds after which the lease expires; determines how soon the heartbeat is written. */
  readonly timeout: number
  /** Status that the agent reported about itself, for other replicas; opaque, at most 1024 characters. */
  readonly self_report?: string
}

export type StoredHeartbeat = Omit<ReceivedHeartbeat, 'timeout'>

export type StoreSnapshot = {
  /** Identifies this database; a backup restored into another database does not change that one's epoch. */
  readonly epoch: string
  readonly resource_version: string
  readonly registrations: readonly StoredRegistration[]
  readonly heartbeats: readonly StoredHeartbeat[]
}

export type StoreChange =
  | { readonly type: 'put'; readonly registration: StoredRegistration }
  | ({ readonly type: 'deleted'; readonly resource_version: string } & RegistrationKey)
  | { readonly type: 'heartbeats'; readonly heartbeats: readonly StoredHeartbeat[] }
  /** Replaces the whole state: deletions after the cursor were pruned, the store was down meanwhile, or went back. */
  | { readonly type: 'snapshot'; readonly snapshot: StoreSnapshot; readonly rewound?: Rewound }

/**
 * The database is not the one that this daemon has followed: a copy that was behind took its place, or another database.
 *
 * Writes after version `to` are not in it; `deleted` are the registrations deleted in it since.
 */
export type Rewound = {
  readonly to: string
  readonly reason: 'older copy' | 'other database' | 'other server'
  readonly deleted: readonly RegistrationKey[]
}

/** The last good reading of one origin, as JSON text. */
export type StoredReading = { readonly origin: string; readonly reading: string }

/** `fingerprint` identifies the config of the source that the readings were made with. */
export type StoredSource = {
  readonly source: string
  readonly fingerprint: string
  readonly kept_at: string
  readonly readings: readonly StoredReading[]
}

/** What the probes of a server showed, as text of at most 64 kB. */
export type StoredStatistics = {
  /** `namespace/name`. */
  readonly server: string
  readonly statistics: string
}

/** Maximum statistics of one page. */
export const statisticsPageSize = 500

export type StoreState = {
  readonly status: 'up' | 'down'
  /** Duration of the status in milliseconds, by a monotonic clock. */
  readonly forMs: number
  /** Why it is down; without secrets. */
  readonly reason?: string
  /**
   * Time in milliseconds since this daemon last read what other daemons wrote, the longer one of registrations and verdicts; absent
   * where no other one shares the store.
   */
  readonly lagMs?: number
  readonly pending: { readonly operations: number; readonly heartbeats: number }
  /** Since the start. */
  readonly counters: {
    readonly commits: number
    readonly operations: number
    readonly conflicts: number
    readonly heartbeats: number
    readonly dropped_heartbeats: number
    readonly failures: number
  }
}

/** The store cannot be reached or written. It recovers by itself; retry after `retry_after` seconds. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
  readonly retry_after: number

  constructor(message: string, { retry_after = 1, cause }: { retry_after?: number; cause?: unknown } = {}) {
    super(message, { cause })
    this.retry_after = retry_after
  }
}

/** The store cannot be opened, or must not be touched. The message has reason and remedy; a retry does not help. */
export class StoreRefusal extends Error {
  override name = 'StoreRefusal'
}

/** Whether version `a` came after `b`. */
export function isNewer(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length
}
