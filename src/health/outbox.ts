import type { Clock } from '../flow/clock.ts'
import type { ServerId } from '../model/names.ts'
import type { Observation } from '../registry/registry.ts'

/** Gathers observations for a moment, so that a burst of them is one revision. */
export function createOutbox({ clock, send }: { clock: Clock; send: (observations: readonly Observation[]) => void }) {
  const waiting = new Map<ServerId, Observation>()
  let cancel: (() => void) | undefined

  function add(observation: Observation): void {
    const earlier = waiting.get(observation.id)
    // A later word on health does not unsay what was learned in the same moment.
    waiting.set(observation.id, earlier?.target === observation.target ? { ...earlier, ...observation } : observation)
    cancel ??= clock.after(100, flush)
  }

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
export type Outbox = ReturnType<typeof createOutbox>
