import type { HeardBeat, KeptReading, KeptSource, Key, News, Operation, Outcome, Registration } from './store.ts'

/**
 * One database, plainly: each verb does its work in one transaction or throws.
 *
 * It throws `StoreUnavailable` when the database cannot be reached or written; anything else is about what it was asked.
 * Queueing, patience and following live in front of it (`front.ts`), the same for every backend.
 */
export type Backend = {
  readonly head: () => Promise<{ readonly epoch: string; readonly version: string }>
  /** A page of registrations after the one that ended in `last`; an empty one is the end. One that is written meanwhile may come twice, the newer later. */
  readonly page: (after: string | undefined) => Promise<{ registrations: readonly Registration[]; last: string }>
  readonly commit: (operations: readonly Operation[]) => Promise<readonly Outcome[]>
  readonly writeBeats: (beats: readonly HeardBeat[]) => Promise<void>
  /** Every beat there is; agents that are gone may be among them. */
  readonly beats: () => Promise<readonly HeardBeat[]>
  /** What came after the cursor, and the beats that others wrote since. Lost: too much was missed to tell it. */
  readonly since: (cursor: Cursor) => Promise<Since>
  readonly keepReadings: (source: string, fingerprint: string, readings: readonly KeptReading[]) => Promise<void>
  readonly readings: () => Promise<readonly KeptSource[]>
  /** Shows by a real write that it can be written again; mends what can be mended first. */
  readonly mend: () => Promise<void>
  readonly close: () => Promise<void>
  /** Milliseconds between two looks for what others wrote; undefined where nobody else can write. */
  readonly pollMs: number | undefined
  /** Calls `poke` when the database tells of a foreign write, and when it is time to look; returns how to stop. */
  readonly onTold?: (poke: () => void) => () => void
}

/** A version, the database's clock in milliseconds for beats, and whatever tells a backend that nothing happened since. */
export type Cursor = { readonly version: string; readonly clock?: number; readonly mark?: string }

export type Since =
  | { readonly lost: false; readonly cursor: Cursor; readonly news: readonly News[] }
  | { readonly lost: true }

/** One text that identifies a registration inside its kind. */
export function idOf({ kind, namespace, name }: Key): string {
  return kind === 'agent' ? name : `${namespace}/${name}`
}

/** One text that identifies a registration, and orders them. */
export function rowKey(key: Key): string {
  return `${key.kind}:${idOf(key)}`
}
