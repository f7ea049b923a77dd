import type { ProberCounts } from '../health/sharing/probe-duty.ts'
import type { Members } from './members.ts'

/** How many targets each member probes, of those that this daemon knows. */
export type ProbeOwnership = {
  /** Targets that this daemon probes. */
  readonly own: number
  /** By id of the member. Of others, those whose last result it told. */
  readonly byMember: ReadonlyMap<string, number>
  /** Targets that no live member has told a result of: new ones, and those of a member that is gone, until another has probed them. */
  readonly unowned: number
}

/** How long a count is kept, in ms: it walks over all targets, and anyone may ask for it. */
const keptMs = 1000

/** Counts who probes what, at most once a second. */
export function createOwnership({
  members,
  probers,
}: {
  members: Pick<Members, 'self' | 'view'>
  probers: () => ProberCounts
}): () => ProbeOwnership {
  let kept: ProbeOwnership | undefined
  let countedAt = 0

  return () => {
    const now = performance.now()
    if (!kept || now - countedAt >= keptMs) {
      kept = ownershipOf(probers(), members)
      countedAt = now
    }
    return kept
  }
}

function ownershipOf({ own, others, unknown }: ProberCounts, members: Pick<Members, 'self' | 'view'>): ProbeOwnership {
  const byMember = new Map([[members.self().id, own]])
  let unowned = unknown
  const live = new Set(members.view().members.map(({ id }) => id))
  for (const [id, count] of others) {
    if (live.has(id)) byMember.set(id, count)
    else unowned += count
  }
  return { own, byMember, unowned }
}
