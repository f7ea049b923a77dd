import { createChunkedQueue } from '../flow/chunked-queue.ts'
import type { Batch, Change, RegisteredServer } from '../model/change.ts'
import type { ServerId } from '../model/names.ts'
import type { HealthEvaluator } from './evaluation/health-evaluator.ts'
import { createProbeTarget, type MayRun, type ProbeTarget, probeTargetKey } from './probe-target.ts'
import type { ProbeRunner } from './scheduling/probe-runner.ts'

/**
 * Maps servers to probe targets, and follows the registry's changes.
 *
 * Large batches are processed in slices, always by the registry's present state; a lookup of one server first brings
 * that server up to date.
 */
export function createTargetTable({
  get,
  runner,
  evaluator,
  mayRun = () => false,
}: {
  get: (id: ServerId) => RegisteredServer | undefined
  runner: Pick<ProbeRunner, 'begin' | 'rescheduleEarlier' | 'end'>
  evaluator: Pick<HealthEvaluator, 'join' | 'forget'>
  /** Default: no command is run. */
  mayRun?: MayRun
}) {
  const targets = new Map<string, { readonly target: ProbeTarget; readonly ids: Set<ServerId> }>()
  const byId = new Map<ServerId, ProbeTarget>()

  const pending = createChunkedQueue<Change>(({ now, before }) => {
    const { id } = (now ?? before).server
    const current = update(id)
    const target = byId.get(id)
    if (current && before && target && before.probeInterval !== current.probeInterval) runner.rescheduleEarlier(target)
  })

  /** Brings the target of one server up to date; returns the server as registered now. */
  function update(id: ServerId): RegisteredServer | undefined {
    const current = get(id)
    if (current) add(current)
    else leave(id)
    return current
  }

  function add(registered: RegisteredServer): void {
    const { id } = registered.server
    const key = probeTargetKey(registered, mayRun)
    if (byId.get(id)?.key === key) return
    leave(id)
    if (key !== undefined) join(key, registered)
  }

  function join(key: string, registered: RegisteredServer): void {
    const { server } = registered
    const existing = targets.get(key)
    const ids = existing?.ids ?? new Set()
    const target = existing?.target ?? createProbeTarget(key, registered, ids)
    ids.add(server.id)
    byId.set(server.id, target)
    if (existing) runner.rescheduleEarlier(target, registered)
    else {
      targets.set(key, { target, ids })
      runner.begin(target)
    }
    evaluator.join(target, server.id)
  }

  function leave(id: ServerId): void {
    const target = byId.get(id)
    if (!target) return
    byId.delete(id)
    const ids = targets.get(target.key)?.ids
    ids?.delete(id)
    if (target.ids.size > 0) return
    targets.delete(target.key)
    runner.end(target)
    evaluator.forget(target)
  }

  return {
    follow: ({ changes }: Pick<Batch, 'changes'>) => pending.add(changes),
    add,
    /** The server's target; undefined where nothing is probed. */
    of(id: ServerId): ProbeTarget | undefined {
      if (pending.hasPending()) update(id)
      return byId.get(id)
    },
    list: () => targets.values().map(({ target }) => target),
    size: () => targets.size,
  }
}
export type TargetTable = ReturnType<typeof createTargetTable>
