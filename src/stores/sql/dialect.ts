import type { WakeFollowers } from '../driver.ts'
import type { EventQuery } from '../event.ts'
import type { Fence, MemberTable } from '../member.ts'
import type {
  RegistrationKey,
  RegistrationKind,
  StoredHeartbeat,
  StoredReading,
  StoredRegistration,
  StoredStatistics,
} from '../store.ts'
import type { VerdictLog } from '../verdict.ts'
import type { HeartbeatWindow } from './heartbeat-window.ts'
import type { HistoryFacts } from './lineage.ts'
import type { SqlRow } from './stored-rows.ts'

/** Identifies a row of `roster_registrations`. */
export type RowId = { readonly kind: RegistrationKind; readonly id: string }

export type Deletion = RegistrationKey & { readonly version: string }

/** The statements of a commit, within one transaction. */
export type CommitSession = {
  /** Allocates the next `count` versions. From here on other commits wait until the transaction ends. */
  readonly takeVersions: (count: number) => Promise<{ readonly last: bigint; readonly now: number }>
  /** How long the term of a member lasts without a renewal, in ms; none is renewed or ended until the transaction ends. */
  readonly termLeft: (fence: Fence) => Promise<number>
  readonly find: (ids: readonly RowId[]) => Promise<readonly SqlRow[]>
  /** `name`, `age_ms`, `said` of the last heartbeats that other writers stored; they cannot change until the transaction ends. */
  readonly foreignHeartbeats: (names: readonly string[], writer: string) => Promise<readonly SqlRow[]>
  readonly put: (registrations: readonly StoredRegistration[]) => Promise<void>
  /** Deletes registrations, and the heartbeats of agents with them. */
  readonly remove: (ids: readonly RowId[]) => Promise<void>
  readonly recordDeletions: (deletions: readonly Deletion[], now: number) => Promise<void>
  /** Goes on at `version` under another lineage, after the database went back to the version `to`. */
  readonly rewind: (to: string, version: string) => Promise<void>
  /** Drops deletions from before `time`. */
  readonly pruneDeletions: (time: number) => Promise<void>
}

/** The statements of an append of events, within one transaction. */
export type EventSession = {
  /** The greatest id so far. From here on other appends wait until the transaction ends. */
  readonly lock: () => Promise<{ readonly newest: number; readonly now: number }>
  /** `digest` and `at` of the events after an id that other writers stored with a digest. */
  readonly replicaEvents: (after: number, writer: string) => Promise<readonly SqlRow[]>
  /** Inserts rows of `eventColumns`; the last one has the id `newest`. */
  readonly insert: (rows: readonly (readonly (string | number | null)[])[], newest: number) => Promise<void>
}

/** The statements for events. */
export type EventDialect = {
  readonly appendEvents: <T>(work: (session: EventSession) => Promise<T>) => Promise<T>
  readonly eventBounds: () => Promise<{
    readonly newest: string
    readonly oldest: string | undefined
    readonly now: number
  }>
  readonly selectEvents: (query: EventQuery, newest: string) => Promise<readonly SqlRow[]>
  /** The id of the first event that happened at a time or later. */
  readonly firstEventSince: (time: number) => Promise<string | undefined>
  /** Deletes the events up to an id, while the term of `fence` lasts; returns how many. */
  readonly deleteEvents: (upTo: number, fence: Fence | undefined) => Promise<number>
}

export type ForeignHeartbeats = {
  readonly writer: string
  readonly windows: readonly [HeartbeatWindow, HeartbeatWindow]
}

/** The SQL of a database server, each method in one statement or transaction. `now` is its clock in milliseconds. */
export type Dialect = EventDialect & {
  readonly transaction: <T>(work: (session: CommitSession) => Promise<T>) => Promise<T>
  readonly meta: () => Promise<HistoryFacts & { readonly forgotten: string; readonly now: number }>
  /** `kind`, `id` and `version` of those that exist. */
  readonly versions: (ids: readonly RowId[]) => Promise<readonly SqlRow[]>
  readonly find: (ids: readonly RowId[]) => Promise<readonly SqlRow[]>
  /** A page of the registrations after a version, ordered by version. */
  readonly page: (after: string) => Promise<readonly SqlRow[]>
  /** A page of the changes after a version, in order: `version`, `deleted` (0 or 1), `kind`, `namespace`, `name`. */
  readonly changesAfter: (version: string) => Promise<readonly SqlRow[]>
  readonly readVersions: (versions: readonly string[]) => Promise<readonly SqlRow[]>
  readonly writeHeartbeats: (heartbeats: readonly StoredHeartbeat[], writer: string) => Promise<void>
  /** `name`, `age_ms`, `said`, `written_at`; with `foreign` only those that other writers stored in one of two windows. */
  readonly heartbeats: (foreign?: ForeignHeartbeats) => Promise<readonly SqlRow[]>
  readonly saveReadings: (source: string, fingerprint: string, readings: readonly StoredReading[]) => Promise<void>
  /** `source`, `fingerprint`, `kept_at`, and `origin` and `reading` in order, null where a source has none. */
  readonly readings: () => Promise<readonly SqlRow[]>
  readonly saveStatistics: (saved: readonly StoredStatistics[], removed: readonly string[]) => Promise<void>
  /** A page of `server` and `statistics` after a server, ordered by its bytes. */
  readonly statistics: (after: string) => Promise<readonly SqlRow[]>
  readonly members: MemberTable
  readonly verdicts: VerdictLog
  /** A write that changes nothing. */
  readonly touch: () => Promise<void>
  /** Calls `wake` when another replica reports a write; returns how to stop. */
  readonly listen?: (wake: WakeFollowers) => () => void
  readonly close: () => Promise<void>
}
