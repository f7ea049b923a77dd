import type { Log } from '../log.ts'
import type { Reading, Sighting } from '../model/source.ts'
import { type Agent, readingOf } from './agent.ts'

/** Tells the registry which agents there are: everything at first, from then on what changed. */
export function createRegistryWriter({ agentOf, log }: { agentOf: (id: string) => Agent | undefined; log: Log }) {
  let tell: ((sighting: Sighting) => void) | undefined
  /** Ids of those that have changed and are still to be told. */
  const untold = new Set<string>()
  let telling: Promise<void> | undefined

  /** Where changes go from now on; the answer is all there is. */
  function attach(to: (sighting: Sighting) => void, all: Iterable<Agent>): Sighting {
    tell = to
    return { type: 'picture', readings: Array.from(all, readingOf) }
  }

  /** Ends what `attach` began, unless another has attached meanwhile. */
  function detach(from: (sighting: Sighting) => void): void {
    if (tell === from) tell = undefined
  }

  /** Has agents told with whatever else changes now, as one revision; before anybody reads in any case. */
  function show(changed: readonly Agent[]): void {
    for (const { id } of changed) untold.add(id)
    if (untold.size > 0) telling ??= Promise.resolve().then(now)
  }

  /** Tells what is still to be told. */
  function now(): void {
    telling = undefined
    if (untold.size === 0) return
    const readings = Array.from(untold).flatMap((id) => {
      const agent = agentOf(id)
      return agent ? readingOf(agent) : []
    })
    untold.clear()
    change(readings, [])
  }

  /** What goes wrong there is no fault of whoever registers, reads or lets time pass. */
  function change(readings: readonly Reading[], gone: readonly string[]): void {
    try {
      tell?.({ type: 'change', readings, gone })
    } catch (error) {
      log.error({ err: error }, 'agents have changed and could not be shown')
    }
  }

  return {
    attach,
    detach,
    show,
    now,
    /** Resolves once everybody can see what was to be shown. */
    done: () => telling,
    gone: (ids: readonly string[]) => change([], ids),
  }
}
