import type { Fence } from './member.ts'

/** What the probes of one target amount to, as one daemon stored it for the others. */
export type StoredVerdict = {
  /** Identifies the target: a keyed hash, at most 64 characters. */
  readonly target: string
  /** Id of the member that probes it. */
  readonly prober: string
  /** JSON text, at most `maxVerdictBytes`. */
  readonly verdict: string
  /** The last results in packed form, base64; at most 1024 characters. */
  readonly checks: string
}

/** A verdict as it was read, with the batch that wrote it: batches are numbered in the order in which they took effect. */
export type ReadVerdict = StoredVerdict & { readonly batch: string }

/** The verdicts that daemons of one store share, the newest of each target. */
export type VerdictTable = {
  /**
   * Stores at most `maxVerdictsPerBatch` verdicts, each in place of the earlier one, as one batch; of two of the same target the
   * later one. False where the term of the writer is over: nothing was stored. Throws `StoreRefusal` for what no database can hold.
   */
  readonly save: (verdicts: readonly StoredVerdict[], fence: Fence) => Promise<boolean>
  /**
   * All verdicts in pages, oldest batch first, and then those that any daemon stores, this one too. Ends when `signal` aborts.
   *
   * An empty page says that all that was stored has been read: it comes once, before the wait for new ones. A verdict that is replaced
   * before it was read is left out. After an outage it goes on where it was. Where it finds that the database is behind, or that
   * another one took its place, it begins again from the first, and says with another empty page where it has read all.
   */
  readonly follow: (options: { readonly signal: AbortSignal }) => AsyncIterable<readonly ReadVerdict[]>
  /**
   * Removes the oldest verdicts, at most 1000, that no daemon has written for `silent_ms` by the clock of the store; none where the
   * term is over. Followers are not told.
   */
  readonly prune: (silent_ms: number, fence: Fence) => Promise<void>
}

/** The verdicts in one database, each method in one transaction. Batches become visible in their order. */
export type VerdictLog = Pick<VerdictTable, 'save' | 'prune'> & {
  readonly newest: () => Promise<NewestBatch>
  /** The verdicts after a position in order, at most `verdictPageSize`. */
  readonly after: (position: VerdictPosition) => Promise<readonly ReadVerdict[]>
  /** Milliseconds between two reads of a follower that is not woken. */
  readonly pollMs: number
}

/** The number of the last batch, of which nothing may be left, and the history of the database in which it has this number. */
export type NewestBatch = { readonly batch: string; readonly history: string }

/** The last verdict that was read: its batch, and its target within the batch. */
export type VerdictPosition = { readonly batch: string; readonly target: string }

export const firstVerdictPosition: VerdictPosition = { batch: '0', target: '' }
export const verdictPageSize = 1000
export const maxVerdictsPerBatch = 1000
export const maxVerdictBytes = 64 * 1024

/** Maximum lengths in characters. */
export const maxVerdictLengths = { target: 64, prober: 253, verdict: maxVerdictBytes, checks: 1024 } as const
