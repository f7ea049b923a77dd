import type { Candidate } from './candidate.ts'
import type { ServerRecord } from './record.ts'

/**
 * Orders candidates for one id, the winner first: by source in config order, by rank of the origin, by text of the origin,
 * by position in the document. Never by time.
 */
export function byPrecedence(a: Candidate, b: Candidate): number {
  if (a.layer !== b.layer) return a.layer.order - b.layer.order
  if (a.rank !== b.rank) return a.rank - b.rank
  if (a.origin !== b.origin) return a.origin < b.origin ? -1 : 1
  return a.position - b.position
}

/** Every candidate for the id of a record, the winner first. */
export function candidatesOf(record: ServerRecord | undefined): readonly Candidate[] {
  return record ? [record.candidate, ...record.losers] : []
}

/** Rebases planned candidates: another commit replaced `before`, the record that the plan started from, by `now`. */
export function rebaseCandidates(
  { before, candidates }: { readonly before: ServerRecord | undefined; readonly candidates: readonly Candidate[] },
  now: ServerRecord | undefined,
): readonly Candidate[] {
  const base = candidatesOf(before)
  const remaining = candidatesOf(now).filter((candidate) => !base.includes(candidate) || candidates.includes(candidate))
  const added = candidates.filter((candidate) => !base.includes(candidate))
  return [...remaining, ...added].toSorted(byPrecedence)
}

/** Whether the API shows a record with this winner and these losers exactly as before. */
export function isShownAs(
  { server, candidate }: ServerRecord,
  winner: Candidate,
  losers: readonly Candidate[],
): boolean {
  if (candidate !== winner || server.shadows.length !== losers.length) return false
  return server.shadows.every(
    ({ source, origin }, at) => source === losers[at]?.layer.name && origin === losers[at].origin,
  )
}

export function sameCandidates(before: readonly Candidate[], now: readonly Candidate[]): boolean {
  return before.length === now.length && before.every((candidate, at) => candidate === now[at])
}
