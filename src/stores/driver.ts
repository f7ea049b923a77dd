import type {
  StoredHeartbeat,
  StoredReading,
  StoredSource,
  RegistrationKey,
  StoreChange,
  StoreOperation,
  OperationOutcome,
  Registration,
} from './store.ts'

/**
 * One database, plainly: each verb does its work in one transaction or throws.
 *
 * It throws `StoreUnavailable` when the database cannot be reached or written; anything else is about what it was asked.
 * Queueing, patience and following live in front of it (`front.ts`), the same for every backend.
 */
export type StoreDriver = {
  readonly head: () => Promise<{ readonly epoch: string; readonly version: string }>
  /** A page of registrations after the one that ended in `last`; an empty one is the end. One that is written meanwhile may come twice, the newer later. */
  readonly page: (after: string | undefined) => Promise<{ registrations: readonly Registration[]; last: string }>
  readonly commit: (operations: readonly StoreOperation[]) => Promise<readonly OperationOutcome[]>
  readonly writeHeartbeats: (beats: readonly StoredHeartbeat[]) => Promise<void>
  /** Every beat there is; agents that are gone may be among them. */
  readonly heartbeats: () => Promise<readonly StoredHeartbeat[]>
  /** What came after the cursor, and the beats that others wrote since. Lost: too much was missed to tell it. */
  readonly changesSince: (cursor: ChangeCursor) => Promise<ChangeBatch>
  readonly saveReadings: (source: string, fingerprint: string, readings: readonly StoredReading[]) => Promise<void>
  readonly readings: () => Promise<readonly StoredSource[]>
  /** Shows by a real write that it can be written again; mends what can be mended first. */
  readonly recover: () => Promise<void>
  readonly close: () => Promise<void>
  /** Milliseconds between two looks for what others wrote; undefined where nobody else can write. */
  readonly pollMs: number | undefined
  /** Calls `poke` when the database tells of a foreign write, and when it is time to look; returns how to stop. */
  readonly onNotify?: (poke: () => void) => () => void
}

/** A version, the database's clock in milliseconds for beats, and whatever tells a backend that nothing happened since. */
export type ChangeCursor = { readonly version: string; readonly clock?: number; readonly mark?: string }

export type ChangeBatch =
  | { readonly compacted: false; readonly cursor: ChangeCursor; readonly changes: readonly StoreChange[] }
  | { readonly compacted: true }

/** One text that identifies a registration inside its kind. */
export function registrationId({ kind, namespace, name }: RegistrationKey): string {
  return kind === 'agent' ? name : `${namespace}/${name}`
}

/** One text that identifies a registration, and orders them. */
export function registrationKey(key: RegistrationKey): string {
  return `${key.kind}:${registrationId(key)}`
}
