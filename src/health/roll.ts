import { sliced } from '../flow/slices.ts'
import type { Batch, Change, Registered } from '../model/change.ts'
import type { ServerId } from '../model/names.ts'
import { createSubject, type Subject, subjectKey } from './subject.ts'

/** A batch of more is looked at in slices. */
const fewAtOnce = 100

/**
 * Who is probed for whom: servers with the same target share one subject.
 *
 * Whoever asks for one server hears of it as it is, however far the rest of a long batch is.
 */
export function createRoll({
  onBegin,
  onJoin,
  onPace,
  onEnd,
}: {
  onBegin: (subject: Subject, first: Registered) => void
  /** One more server for a subject that may have a verdict already. */
  onJoin: (subject: Subject, id: ServerId) => void
  /** One of its servers asks for another interval. */
  onPace: (subject: Subject) => void
  onEnd: (subject: Subject) => void
}) {
  const subjects = new Map<string, Subject>()
  const byId = new Map<ServerId, Subject>()
  let versions = 0

  /** What has not been looked at yet, by id: as it is now, and as it was when we last looked. */
  const pending = new Map<ServerId, Change>()
  let isCatchingUp = false

  function follow({ changes }: Pick<Batch, 'changes'>): void {
    if (pending.size === 0 && changes.length <= fewAtOnce) for (const change of changes) take(change)
    else for (const change of changes) defer(change)
    if (pending.size > 0 && !isCatchingUp) void catchUp()
  }

  function defer(change: Change): void {
    const { id } = (change.now ?? change.before).server
    const earlier = pending.get(id)
    const before = earlier ? earlier.before : change.before
    pending.set(id, before ? ({ ...change, before } as Change) : change)
  }

  async function catchUp(): Promise<void> {
    isCatchingUp = true
    await sliced(each(pending.keys()))
    isCatchingUp = false
  }

  function* each(ids: Iterable<ServerId>): Generator<void, void> {
    for (const id of ids) {
      lookAt(id)
      yield
    }
  }

  function lookAt(id: ServerId): void {
    const change = pending.get(id)
    if (change && pending.delete(id)) take(change)
  }

  function take({ now, before }: Change): void {
    if (!now) leave(before.server.id)
    else if (!adopt(now) && before?.server.health_check_interval !== now.server.health_check_interval) repace(now)
  }

  /** Whether its target is new to us. */
  function adopt(registered: Registered): boolean {
    const { id } = registered.server
    const key = subjectKey(registered)
    if (byId.get(id)?.key === key) return false
    leave(id)
    if (key === undefined) return true
    const subject = subjects.get(key) ?? begin(key, registered)
    subject.ids.add(id)
    byId.set(id, subject)
    onJoin(subject, id)
    return true
  }

  function repace({ server }: Registered): void {
    const subject = byId.get(server.id)
    if (subject) onPace(subject)
  }

  function begin(key: string, registered: Registered): Subject {
    const subject = createSubject(key, registered, ++versions)
    subjects.set(key, subject)
    onBegin(subject, registered)
    return subject
  }

  function leave(id: ServerId): void {
    const subject = byId.get(id)
    if (!subject) return
    byId.delete(id)
    subject.ids.delete(id)
    if (subject.ids.size > 0) return
    subjects.delete(subject.key)
    onEnd(subject)
  }

  return {
    follow,
    adopt,
    of: (id: ServerId) => (lookAt(id), byId.get(id)),
    has: (subject: Subject) => subjects.get(subject.key) === subject,
    subjects: () => subjects.values(),
    size: () => subjects.size,
    /** A number no result had before. */
    nextVersion: () => ++versions,
  }
}
export type Roll = ReturnType<typeof createRoll>
