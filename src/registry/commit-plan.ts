import { sorting } from '../flow/cooperative.ts'
import type { Change } from '../model/change.ts'
import type { ServerId } from '../model/names.ts'
import { byPrecedence, type Candidate, type Delta } from './candidate.ts'
import type { createServerIndex } from './index/server-index.ts'
import { sameCandidates, isShownAs, contendersOf } from './precedence.ts'
import { type CommitStamp, type ServerRecord, createRecord } from './record.ts'

type Rows = Pick<ReturnType<typeof createServerIndex<ServerRecord>>, 'get' | 'at' | 'slotFor'>

/** One id that a delta touches: what was there, and what will be, as long as that holds. */
export type PlannedRow = {
  readonly id: ServerId
  readonly slot: number
  readonly before: ServerRecord | undefined
  readonly rivals: readonly Candidate[]
  readonly next: ServerRecord | undefined
  /** What anybody sees of it. */
  readonly change: Change | undefined
}

/** What a delta will make of each id that it touches; in the order of the ids, which the indexes are glad of. */
export function* planRows(rows: Rows, delta: Delta, when: CommitStamp): Generator<void, readonly PlannedRow[]> {
  const parts: PlannedRow[] = []
  const contested = yield* contendersAfter(rows, delta)
  for (const id of yield* sorting([...contested.keys()])) {
    yield
    const slot = rows.slotFor(id)
    const before = rows.at(slot)
    const rivals = contested.get(id) ?? []
    const next = recordAfter(before, rivals, when)
    parts.push({ id, slot, before, rivals, next, change: changeBetween(before, next) })
  }
  return parts
}

/** Who will compete for each id that a delta touches, best first. */
export function* contendersAfter(
  rows: Rows,
  { removed: gone, added: come }: Delta,
): Generator<void, Map<ServerId, readonly Candidate[]>> {
  const after = new Map<ServerId, readonly Candidate[]>()
  const leaving = new Set(gone)
  for (const { id } of gone) {
    yield
    if (!after.has(id))
      after.set(
        id,
        contendersOf(rows.get(id)).filter((candidate) => !leaving.has(candidate)),
      )
  }
  for (const candidate of come) {
    yield
    const rivals = after.get(candidate.id) ?? contendersOf(rows.get(candidate.id))
    after.set(candidate.id, rivals.length > 0 ? [...rivals, candidate].toSorted(byPrecedence) : [candidate])
  }
  return after
}

/** The row of one id, from who competes for it, best first; undefined for nobody. */
export function recordAfter(
  before: ServerRecord | undefined,
  [winner, ...losers]: readonly Candidate[],
  when: CommitStamp,
): ServerRecord | undefined {
  if (!winner) return undefined
  if (!before || !isShownAs(before, winner, losers)) return createRecord(winner, losers, { before, moment: when })
  return sameCandidates(before.losers, losers) ? before : { ...before, losers }
}

/** Those of whom nobody knew. */
export function* newRecords(parts: readonly PlannedRow[]): Generator<ServerRecord> {
  for (const { before, next } of parts) if (next && !before) yield next
}

/** What anybody sees of one row in the place of another. */
export function changeBetween(before: ServerRecord | undefined, now: ServerRecord | undefined): Change | undefined {
  if (!now) return before && { type: 'DELETED', before }
  if (!before) return { type: 'ADDED', now }
  return before.server === now.server ? undefined : { type: 'MODIFIED', now, before }
}
