import { byPrecedence, type Candidate } from './candidate.ts'
import type { ServerRecord } from './record.ts'

/** Who competes for the id of a row, best first. */
export function contendersOf(row: ServerRecord | undefined): readonly Candidate[] {
  return row ? [row.candidate, ...row.losers] : []
}

/** Who competes where something else was committed after it was worked out that `rivals` would follow `before`. */
export function rebaseContenders(
  { before, rivals }: { readonly before: ServerRecord | undefined; readonly rivals: readonly Candidate[] },
  now: ServerRecord | undefined,
): readonly Candidate[] {
  const had = contendersOf(before)
  const left = contendersOf(now).filter((candidate) => !had.includes(candidate) || rivals.includes(candidate))
  const come = rivals.filter((candidate) => !had.includes(candidate))
  return [...left, ...come].toSorted(byPrecedence)
}

/** Whether everybody sees the same row with this winner and these losers. */
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
