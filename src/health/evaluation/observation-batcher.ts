import type { Clock } from '../../flow/clock.ts'
import type { ServerId } from '../../model/names.ts'
import type { Observation } from '../../registry/registry.ts'

/** How long observations are collected before they are sent. */
const collectMs = 100

/** Maximum observations per revision; the rest follows in further turns of the event loop. */
const maxPerRevision = 200

/** Collects observations of the registry's servers, so that a burst of them becomes one revision. */
export function createObservationBatcher({
  clock,
  send,
}: {
  clock: Clock
  send: (observations: readonly Observation[]) => void
}) {
  const pending = new Map<ServerId, Observation>()
  let cancel: (() => void) | undefined

  function add(observation: Observation): void {
    const earlier = pending.get(observation.id)
    // A later observation of the health keeps the capabilities and the version of an earlier one.
    pending.set(observation.id, earlier?.target === observation.target ? { ...earlier, ...observation } : observation)
    cancel ??= clock.after(collectMs, sendBatch)
  }

  function sendBatch(): void {
    cancel = undefined
    const batch = pending.values().take(maxPerRevision).toArray()
    for (const { id } of batch) pending.delete(id)
    if (pending.size > 0) cancel = clock.after(0, sendBatch)
    send(batch)
  }

  /** Sends all pending observations now, as one revision. */
  function flush(): void {
    cancel?.()
    cancel = undefined
    if (pending.size === 0) return
    const observations = [...pending.values()]
    pending.clear()
    send(observations)
  }

  function close(): void {
    cancel?.()
    cancel = undefined
    pending.clear()
  }

  return { add, flush, close }
}
export type ObservationBatcher = ReturnType<typeof createObservationBatcher>
