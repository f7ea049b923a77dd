import type { Fleet, FleetEvent } from '../../../src/client/connect/index.ts'

/** Reads the events of a fleet in order. */
export function readEvents(fleet: Pick<Fleet, 'events'>) {
  const events = fleet.events()
  const seen: FleetEvent[] = []

  /** Resolves with the next event of this type, of this server if one is named. */
  async function next(type: FleetEvent['type'], server?: string): Promise<FleetEvent & { reason?: string }> {
    for (;;) {
      const { value, done } = await events.next()
      if (done || !value)
        throw new Error(`the fleet closed before ${type}; seen: ${seen.map((one) => one.type).join()}`)
      seen.push(value)
      if (value.type === type && (server === undefined || ('server' in value && value.server === server))) return value
    }
  }

  return {
    next,
    seen,
    typesOf: (server: string) => seen.flatMap((one) => ('server' in one && one.server === server ? one.type : [])),
  }
}
