import { createChunkedQueue } from '../flow/chunked-queue.ts'
import type { Batch, Change, RegisteredServer } from '../model/change.ts'
import type { ServerId } from '../model/names.ts'
import { createProbeTarget, type ProbeTarget, probeTargetKey } from './probe-target.ts'

/**
 * Who is probed for whom: servers with the same target share one subject.
 *
 * What a change leads to is what the registry says when it is looked at; whoever asks for one server hears of it as it is,
 * however far the rest of a long batch is.
 */
export function createTargetTable({
  get,
  onBegin,
  onJoin,
  onPace,
  onEnd,
}: {
  get: (id: ServerId) => RegisteredServer | undefined
  onBegin: (subject: ProbeTarget, first: RegisteredServer) => void
  /** One more server for a subject that may have a verdict already. */
  onJoin: (subject: ProbeTarget, joining: RegisteredServer) => void
  /** One of its servers asks for another interval. */
  onPace: (subject: ProbeTarget) => void
  onEnd: (subject: ProbeTarget) => void
}) {
  const subjects = new Map<string, ProbeTarget>()
  const byId = new Map<ServerId, ProbeTarget>()
  let versions = 0

  const backlog = createChunkedQueue<Change>(({ now, before }) => {
    const { id } = (now ?? before).server
    const current = lookAt(id)
    if (current && before && before.server.health_check_interval !== current.server.health_check_interval) repace(id)
  })

  /** The server as it is, after what that means for its subject is done. */
  function lookAt(id: ServerId): RegisteredServer | undefined {
    const current = get(id)
    if (current) adopt(current)
    else leave(id)
    return current
  }

  function adopt(registered: RegisteredServer): void {
    const { id } = registered.server
    const key = probeTargetKey(registered)
    if (byId.get(id)?.key === key) return
    leave(id)
    if (key === undefined) return
    const subject = subjects.get(key) ?? begin(key, registered)
    subject.ids.add(id)
    byId.set(id, subject)
    onJoin(subject, registered)
  }

  function repace(id: ServerId): void {
    const subject = byId.get(id)
    if (subject) onPace(subject)
  }

  function begin(key: string, registered: RegisteredServer): ProbeTarget {
    const subject = createProbeTarget(key, registered, ++versions)
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
    follow: ({ changes }: Pick<Batch, 'changes'>) => backlog.add(changes),
    adopt,
    of(id: ServerId): ProbeTarget | undefined {
      if (backlog.waits()) lookAt(id)
      return byId.get(id)
    },
    has: (subject: ProbeTarget) => subjects.get(subject.key) === subject,
    subjects: () => subjects.values(),
    size: () => subjects.size,
    /** A number no result had before. */
    nextVersion: () => ++versions,
  }
}
export type TargetTable = ReturnType<typeof createTargetTable>
