import type { EventLimits, EventPage, EventQuery, NewEvent } from './event.ts'
import type { Fence, MemberTable } from './member.ts'
import type { HeartbeatCursor } from './sql/heartbeat-window.ts'
import type {
  OperationOutcome,
  StoredRegistration,
  RegistrationKey,
  Rewound,
  StoreChange,
  StoredHeartbeat,
  StoredReading,
  StoredSource,
  StoredStatistics,
  StoreOperation,
} from './store.ts'
import type { VerdictLog } from './verdict.ts'

/**
 * One database. Each method works in one transaction or throws.
 *
 * It throws `StoreUnavailable` where the database cannot be reached or written; any other error is about the request.
 * Queueing, the circuit breaker, buffering and following are in `pipeline/`, the same for every driver.
 */
export type StoreDriver = {
  readonly head: () => Promise<{ readonly epoch: string; readonly version: string }>
  /**
   * The page of registrations after the one that ended at `after`; the last page is empty. A registration written
   * between two pages may come twice, the newer one later.
   */
  readonly page: (after: string | undefined) => Promise<{ registrations: readonly StoredRegistration[]; last: string }>
  readonly commit: (operations: readonly StoreOperation[]) => Promise<readonly OperationOutcome[]>
  readonly writeHeartbeats: (heartbeats: readonly StoredHeartbeat[]) => Promise<void>
  /** All heartbeats; some may be of deleted agents. */
  readonly heartbeats: () => Promise<readonly StoredHeartbeat[]>
  /** Changes after the cursor, and heartbeats that other writers stored since. */
  readonly changesSince: (cursor: ChangeCursor) => Promise<ChangeBatch>
  readonly saveReadings: (source: string, fingerprint: string, readings: readonly StoredReading[]) => Promise<void>
  readonly readings: () => Promise<readonly StoredSource[]>
  readonly appendEvents: (events: readonly NewEvent[]) => Promise<void>
  readonly events: (query: EventQuery) => Promise<EventPage>
  /** Removes the oldest events beyond the limits, at most `maxEventsPerPrune`; returns how many. */
  readonly pruneEvents: (limits: EventLimits, fence?: Fence) => Promise<number>
  readonly pruneDeletions?: (fence?: Fence) => Promise<void>
  readonly members?: MemberTable
  readonly verdicts?: VerdictLog
  readonly saveStatistics: (saved: readonly StoredStatistics[], removed: readonly string[]) => Promise<void>
  readonly statistics: (after: string | undefined) => Promise<readonly StoredStatistics[]>
  /** Repairs what can be repaired after an outage, and proves with a write that the database is writable. */
  readonly recover: () => Promise<void>
  readonly close: () => Promise<void>
  /** Milliseconds between two polls for changes of other writers; undefined where there are none. */
  readonly pollMs: number | undefined
  /** Calls `wake` when the database reports a write of another writer, or may have missed one; returns how to stop. */
  readonly onNotify?: (wake: WakeFollowers) => () => void
}

/** Wakes those who follow what was written; all of them where that is not known. */
export type WakeFollowers = (written?: 'changes' | 'verdicts') => void

/**
 * A version, the lineage of the database, the heartbeats that were read, and a mark that stays equal while nothing is written.
 */
export type ChangeCursor = {
  readonly version: string
  readonly lineage?: string
  readonly heartbeats?: HeartbeatCursor
  readonly mark?: string
}

/** Changes after a cursor. `compacted`: only a snapshot shows the state, since deletions were pruned or the database went back. */
export type ChangeBatch =
  | { readonly compacted: false; readonly cursor: ChangeCursor; readonly changes: readonly StoreChange[] }
  | { readonly compacted: true; readonly rewound?: Rewound }

/** Identifies a registration within its kind. */
export function registrationId({ kind, namespace, name }: RegistrationKey): string {
  return kind === 'agent' ? name : `${namespace}/${name}`
}

/** The key of what is stored of a server by its id. */
export function serverKey(kind: 'manual' | 'override', id: string) {
  const slash = id.indexOf('/')
  return { kind, namespace: id.slice(0, slash), name: id.slice(slash + 1) }
}

/** Identifies a registration among all kinds, and orders them. */
export function registrationKey(key: RegistrationKey): string {
  return `${key.kind}:${registrationId(key)}`
}
