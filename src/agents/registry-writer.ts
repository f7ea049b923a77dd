import type { Log } from '../log.ts'
import type { Reading, Sighting } from '../model/source.ts'
import type { Agent } from './agent.ts'
import { reportOf } from './leases/lease.ts'

export type RegistryWriter = ReturnType<typeof createRegistryWriter>

/** Writes agents to the registry: a picture of all at first, then each change. */
export function createRegistryWriter({ agentOf, log }: { agentOf: (id: string) => Agent | undefined; log: Log }) {
  let push: ((sighting: Sighting) => void) | undefined
  /** Ids of changed agents that are not written yet. */
  const changedIds = new Set<string>()
  let scheduled: Promise<void> | undefined

  /** Sends changes to `to` from now on; returns the picture of all agents. */
  function attach(to: (sighting: Sighting) => void, all: Iterable<Agent>): Sighting {
    push = to
    return { type: 'picture', readings: Array.from(all, readingOf) }
  }

  /** Undoes `attach`, unless another run has attached since. */
  function detach(from: (sighting: Sighting) => void): void {
    if (push === from) push = undefined
  }

  /** Schedules agents to be written in one revision with all other changes of this tick. Every read flushes first. */
  function write(changed: readonly Agent[]): void {
    for (const { id } of changed) changedIds.add(id)
    if (changedIds.size > 0) scheduled ??= Promise.resolve().then(flush)
  }

  /** Writes the scheduled changes now. */
  function flush(): void {
    scheduled = undefined
    if (changedIds.size === 0) return
    const readings = Array.from(changedIds).flatMap((id) => {
      const agent = agentOf(id)
      return agent ? readingOf(agent) : []
    })
    changedIds.clear()
    pushChange(readings, [])
  }

  /** A failure is logged, not thrown: it must not reach a registering agent or a reader. */
  function pushChange(readings: readonly Reading[], gone: readonly string[]): void {
    try {
      push?.({ type: 'change', readings, gone })
    } catch (error) {
      log.error({ err: error }, 'agent changes not written to the registry')
    }
  }

  return {
    attach,
    detach,
    write,
    flush,
    /** Resolves once the scheduled changes are visible. */
    flushed: () => scheduled,
    remove: (ids: readonly string[]) => pushChange([], ids),
  }
}

function readingOf({ id, definition, stored, lease }: Agent): Reading {
  return { origin: id, entries: [{ definition, stored, reported: reportOf(lease) }] }
}
