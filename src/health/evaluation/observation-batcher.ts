import type { Clock } from '../../flow/clock.ts'
import type { ServerId } from '../../model/names.ts'
import type { Observation } from '../../registry/registry.ts'

/** So many are one revision at most: a crowd's next follows in another turn of the event loop. */
const mostAtOnce = 200

/** Gathers observations for a moment, so that a burst of them is one revision. */
export function createObservationBatcher({
  clock,
  send,
}: {
  clock: Clock
  send: (observations: readonly Observation[]) => void
}) {
  const waiting = new Map<ServerId, Observation>()
  let cancel: (() => void) | undefined

  function add(observation: Observation): void {
    const earlier = waiting.get(observation.id)
    // A later word on health does not unsay what was learned in the same moment.
    waiting.set(observation.id, earlier?.target === observation.target ? { ...earlier, ...observation } : observation)
    cancel ??= clock.after(100, sendSome)
  }

  function sendSome(): void {
    cancel = undefined
    const some = waiting.values().take(mostAtOnce).toArray()
    for (const { id } of some) waiting.delete(id)
    if (waiting.size > 0) cancel = clock.after(0, sendSome)
    send(some)
  }

  /** Sends all there is, now. */
  function flush(): void {
    cancel?.()
    cancel = undefined
    if (waiting.size === 0) return
    const observations = [...waiting.values()]
    waiting.clear()
    send(observations)
  }

  function close(): void {
    cancel?.()
    cancel = undefined
    waiting.clear()
  }

  return { add, flush, close }
}
export type ObservationBatcher = ReturnType<typeof createObservationBatcher>
