import type { ClusterChange, Members } from './members.ts'

/** When the duties of one member went to others. */
export type Takeover = {
  /** RFC 3339: when this daemon saw it. */
  readonly at: string
  /** The id of the member that had the duties before. */
  readonly from: string
  /** `leader`: another one leads; it may still be there. `targets`: it is gone, and others probe its targets. */
  readonly of: 'leader' | 'targets'
}

/** Remembers the last takeover that this daemon saw as a member. */
export function followTakeovers(members: Pick<Members, 'subscribe'>) {
  let last: Takeover | undefined
  const unsubscribe = members.subscribe((change) => {
    const takeover = takeoverOf(change)
    if (takeover) last = { at: new Date().toISOString(), ...takeover }
  })
  return { last: () => last, [Symbol.dispose]: unsubscribe }
}

function takeoverOf({ before, after }: ClusterChange): Omit<Takeover, 'at'> | undefined {
  // One that is no member, or was none, cannot tell what the others did.
  if (before.members.length === 0 || after.members.length === 0) return undefined
  if (before.leader !== undefined && after.leader !== undefined && after.leader !== before.leader)
    return { from: before.leader, of: 'leader' }
  const left = new Set(after.members.map(({ id }) => id))
  const gone = before.members.find(({ id }) => !left.has(id))
  return gone && { from: gone.id, of: 'targets' }
}
