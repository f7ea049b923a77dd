import type { RecordEvent } from '../journal/event.ts'
import type { StoredMember } from '../stores/member.ts'
import type { ClusterChange, Members } from './members.ts'

/** Records that members join and leave and that another one leads; only the leader does, so that each is stored once. */
export function recordMemberEvents(
  members: Pick<Members, 'self' | 'isShared' | 'subscribe'>,
  record: RecordEvent,
): void {
  if (!members.isShared) return

  function recordChange({ before, after }: ClusterChange): void {
    const { id } = members.self()
    if (after.leader !== id) return
    // One that knew no member has just joined: the others were recorded when they did.
    const isNew = before.members.length === 0
    for (const member of missingIn(before.members, after.members))
      if (!isNew || member.id === id) recordOne(member, 'joined')
    for (const member of missingIn(after.members, before.members)) recordOne(member, 'left')
    if (before.leader === id) return
    const data = () => ({ id, ...(before.leader !== undefined && { before: before.leader }) })
    record({ type: 'member', reason: `${id} is the leader`, data })
  }

  function recordOne({ id, build }: StoredMember, happened: 'joined' | 'left'): void {
    record({ type: 'member', reason: `${id} ${happened}`, data: () => ({ id, build }) })
  }

  members.subscribe(recordChange)
}

/** The members of a list that the other one does not have; another term is another member. */
function missingIn(others: readonly StoredMember[], members: readonly StoredMember[]): StoredMember[] {
  const terms = new Set(others.map(({ incarnation }) => incarnation))
  return members.filter(({ incarnation }) => !terms.has(incarnation))
}
