/**
 * Where registrations survive: agents that announced themselves, servers written by hand, the last heartbeats, and the
 * last good readings of sources that are pulled. Only facts; everything derived is made again from them.
 *
 * - **Durable.** `commit` resolves once the database has it safely on disk. What it acknowledged is never lost; what it
 *   rejected may still have happened when the connection broke at the wrong moment, and then comes back by `changes`.
 * - **Versioned.** Every put and delete gets a `resource_version` that is greater than all before it, over restarts and
 *   over all replicas on one database, in the order in which they took effect.
 * - **Patient.** A store that is down rejects writes at once with `StoreUnavailable`, keeps heartbeats (bounded) until
 *   they can be written, and comes back by itself. `load` and `readings` are refused too: whoever reads holds a copy.
 * - **Timeless.** Replicas never compare their clocks: times are the store's own, ages are durations by that clock.
 */
export type Store = AsyncDisposable & {
  readonly type: StoreType
  /** Everything registered, and the version from which `changes` goes on. */
  readonly load: () => Promise<StoreSnapshot>
  /**
   * Carries out all operations in one transaction, in order, each seeing the effect of those before it. One that does
   * not find what it expected changes nothing and says so, and hinders no other. Results come in the order of the
   * operations. Calls take effect in the order they were made.
   */
  readonly commit: (operations: readonly StoreOperation[]) => Promise<readonly OperationOutcome[]>
  /** Notes heartbeats, at once; they are written together, soon enough for other replicas (a third of `timeout`). */
  readonly recordHeartbeats: (beats: readonly ReceivedHeartbeat[]) => void
  /**
   * What others wrote after version `since`, and the heartbeats they heard. Never ends before `signal` aborts, waits
   * while the store is down. What one wrote oneself may come too: whoever knows a newer version ignores an older one.
   */
  readonly changes: (follow: {
    readonly since: string
    readonly signal: AbortSignal
  }) => AsyncIterable<readonly StoreChange[]>
  /** Replaces all that is kept of one source. */
  readonly saveReadings: (source: string, fingerprint: string, readings: readonly StoredReading[]) => Promise<void>
  /** What is kept, of all sources. */
  readonly readings: () => Promise<readonly StoredSource[]>
  readonly state: () => StoreState
  /** Writes out what is buffered, gives back what is open. */
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

export type StoreType = 'memory' | 'sqlite' | 'postgres' | 'mysql'

/** Agent ids are unique over all namespaces; the names of manual servers in their namespace. */
export type RegistrationKind = 'agent' | 'manual'

export type RegistrationKey = { readonly kind: RegistrationKind; readonly namespace: string; readonly name: string }

/** For how long a registration holds without a heartbeat, and who holds it. Seconds. */
export type StoredLease = {
  readonly timeout: number
  readonly eviction: number
  readonly instance_id?: string
  readonly holder?: string
}

export type Registration = RegistrationKey & {
  /** JSON text, kept as it was given. */
  readonly definition: string
  readonly lease?: StoredLease
  readonly resource_version: string
  /** By the store's clock, RFC 3339. */
  readonly created_at: string
  readonly updated_at: string
}

/** `any`: whatever is there; `none`: nothing may be there; a version: exactly that one must be there. */
export type Precondition = 'any' | 'none' | { readonly version: string }

/** A put of an agent whose id is in another namespace moves it. */
export type StoreOperation =
  | (RegistrationKey & {
      readonly type: 'put'
      readonly definition: string
      readonly lease?: StoredLease
      readonly expect: Precondition
      /** For what is brought from elsewhere; otherwise a new registration was made now. RFC 3339. */
      readonly created_at?: string
    })
  | (RegistrationKey & { readonly type: 'delete'; readonly expect: Exclude<Precondition, 'none'> })

export type OperationOutcome =
  | { readonly type: 'put'; readonly registration: Registration; readonly created: boolean }
  | { readonly type: 'deleted'; readonly before: Registration; readonly resource_version: string }
  /** What is there instead; nothing, where a version or something to delete was expected. */
  | { readonly type: 'conflict'; readonly current: Registration | undefined }
  /** What no store could keep: a NUL or half a character in a text, a text beyond its limit. Never tried. */
  | { readonly type: 'rejected'; readonly reason: string }

/** A heartbeat of the agent `name`, heard `age_ms` ago. */
export type ReceivedHeartbeat = {
  readonly name: string
  readonly age_ms: number
  /** Seconds after which the agent's lease lapses; what tells how soon the beat must be written. */
  readonly timeout: number
  /** What the agent said of itself, for other replicas; at most 1 kB, opaque. */
  readonly self_report?: string
}

export type StoredHeartbeat = Omit<ReceivedHeartbeat, 'timeout'>

export type StoreSnapshot = {
  /** Names this very database for as long as it lives; a copy restored into another one has another. */
  readonly epoch: string
  readonly resource_version: string
  readonly registrations: readonly Registration[]
  readonly heartbeats: readonly StoredHeartbeat[]
}

export type StoreChange =
  | { readonly type: 'put'; readonly registration: Registration }
  | ({ readonly type: 'deleted'; readonly resource_version: string } & RegistrationKey)
  | { readonly type: 'heartbeats'; readonly heartbeats: readonly StoredHeartbeat[] }
  /** Too much was missed to tell it one by one: forget what you have and take this. */
  | { readonly type: 'snapshot'; readonly snapshot: StoreSnapshot }

/** The last good reading of one origin, as JSON text. */
export type StoredReading = { readonly origin: string; readonly reading: string }

/** `fingerprint` says which config of the source they were read under. */
export type StoredSource = {
  readonly source: string
  readonly fingerprint: string
  readonly kept_at: string
  readonly readings: readonly StoredReading[]
}

export type StoreState = {
  readonly status: 'up' | 'down'
  /** For how many ms, whatever becomes of the clock. */
  readonly forMs: number
  /** Why it is down. Holds no secret. */
  readonly reason?: string
  readonly pending: { readonly operations: number; readonly heartbeats: number }
  /** Counted since start. */
  readonly counters: {
    readonly commits: number
    readonly operations: number
    readonly conflicts: number
    readonly heartbeats: number
    readonly dropped_heartbeats: number
    readonly failures: number
  }
}

/** The store cannot write now. It mends itself; ask again after `retry_after` seconds. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
  readonly retry_after: number

  constructor(message: string, { retry_after = 1, cause }: { retry_after?: number; cause?: unknown } = {}) {
    super(message, { cause })
    this.retry_after = retry_after
  }
}

/** The store can't be opened, or must not be touched; says why and what to do. Does not pass by itself. */
export class StoreRefusal extends Error {
  override name = 'StoreRefusal'
}

/** Whether version `a` came after `b`. */
export function isNewer(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length
}
