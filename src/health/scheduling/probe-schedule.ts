import type { Clock } from '../../flow/clock.ts'
import { createDeadlineQueue } from '../../flow/deadline-queue.ts'
import type { ProbeTarget } from '../probe-target.ts'

/** Coalescing window: one timer starts all probes due within it. A timer for each would cost more than the probe. */
const coalesceMs = 25

/** When each target is due: one deadline queue and one timer, however many targets there are. */
export function createProbeSchedule({
  clock,
  onDue,
}: {
  clock: Clock
  onDue: (targets: readonly ProbeTarget[]) => void
}) {
  const queue = createDeadlineQueue<ProbeTarget>()
  let wakesAt = Number.POSITIVE_INFINITY
  let cancel: (() => void) | undefined

  /** Schedules a probe, in place of the one scheduled before. */
  function set(target: ProbeTarget, due: number): void {
    queue.set(target, due)
    arm()
  }

  function arm(): void {
    const next = queue.next()
    if (next === undefined || next >= wakesAt) return
    cancel?.()
    wakesAt = next
    cancel = clock.after(Math.max(0, next - clock.now() + coalesceMs), wake)
  }

  function wake(): void {
    wakesAt = Number.POSITIVE_INFINITY
    cancel = undefined
    const due = queue.takeDue(clock.now())
    if (due.length > 0) onDue(due)
    arm()
  }

  function close(): void {
    cancel?.()
    wakesAt = Number.NEGATIVE_INFINITY
  }

  return { set, delete: queue.delete, dueAt: queue.get, close }
}
