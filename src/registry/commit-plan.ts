import { sortYielding } from '../flow/cooperative.ts'
import type { Change } from '../model/change.ts'
import type { ServerId } from '../model/names.ts'
import type { Candidate, Delta } from './candidate.ts'
import type { createServerIndex } from './index/server-index.ts'
import { byPrecedence, candidatesOf, isShownAs, sameCandidates } from './precedence.ts'
import { type CommitStamp, createRecord, type ServerRecord } from './record.ts'

type RecordIndex = Pick<ReturnType<typeof createServerIndex<ServerRecord>>, 'get' | 'at' | 'slotFor'>

/** What a delta does to one id. Valid for as long as `before` is the record of that id. */
export type PlannedRecord = {
  readonly id: ServerId
  readonly slot: number
  readonly before: ServerRecord | undefined
  readonly candidates: readonly Candidate[]
  readonly next: ServerRecord | undefined
  /** The change for subscribers; undefined where the visible server stays the same. */
  readonly change: Change | undefined
}

/** Plans the next record of each id that a delta touches, sorted by id, the order that is cheapest for the index. */
export function* planRecords(
  index: RecordIndex,
  delta: Delta,
  stamp: CommitStamp,
): Generator<void, readonly PlannedRecord[]> {
  const plan: PlannedRecord[] = []
  const candidatesById = yield* candidatesAfter(index, delta)
  for (const id of yield* sortYielding([...candidatesById.keys()])) {
    yield
    const slot = index.slotFor(id)
    const before = index.at(slot)
    const candidates = candidatesById.get(id) ?? []
    const next = nextRecord(before, candidates, stamp)
    plan.push({ id, slot, before, candidates, next, change: changeBetween(before, next) })
  }
  return plan
}

/** The candidates for each id that a delta touches, the winner first. */
export function* candidatesAfter(
  index: RecordIndex,
  { removed, added }: Delta,
): Generator<void, Map<ServerId, readonly Candidate[]>> {
  const after = new Map<ServerId, readonly Candidate[]>()
  const leaving = new Set(removed)
  for (const { id } of removed) {
    yield
    if (!after.has(id))
      after.set(
        id,
        candidatesOf(index.get(id)).filter((candidate) => !leaving.has(candidate)),
      )
  }
  for (const candidate of added) {
    yield
    const others = after.get(candidate.id) ?? candidatesOf(index.get(candidate.id))
    after.set(candidate.id, others.length > 0 ? [...others, candidate].toSorted(byPrecedence) : [candidate])
  }
  return after
}

/** The record of one id with these candidates, the winner first; undefined without any. */
export function nextRecord(
  before: ServerRecord | undefined,
  [winner, ...losers]: readonly Candidate[],
  stamp: CommitStamp,
): ServerRecord | undefined {
  if (!winner) return undefined
  if (!before || !isShownAs(before, winner, losers)) return createRecord(winner, losers, { before, stamp })
  return sameCandidates(before.losers, losers) ? before : { ...before, losers }
}

/** The planned records of ids that have no record now. */
export function* newRecords(plan: readonly PlannedRecord[]): Generator<ServerRecord> {
  for (const { before, next } of plan) if (next && !before) yield next
}

/** The change for subscribers when one record replaces another; undefined where the visible server stays the same. */
export function changeBetween(before: ServerRecord | undefined, now: ServerRecord | undefined): Change | undefined {
  if (!now) return before && { type: 'DELETED', before }
  if (!before) return { type: 'ADDED', now }
  return before.server === now.server ? undefined : { type: 'MODIFIED', now, before }
}
