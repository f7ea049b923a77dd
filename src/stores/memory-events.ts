import {
  type EventFilter,
  type EventLimits,
  type EventPage,
  type EventQuery,
  type NewEvent,
  type StoredEvent,
} from './event.ts'

/** Maximum events in memory, whatever the limits allow. */
const maxInMemory = 10_000

/** The events of a store in memory. Ids continue those of an earlier process. */
export function createMemoryEvents() {
  let events: StoredEvent[] = []
  let newest = Date.now() * 1000

  function append(added: readonly NewEvent[]): void {
    const now = Date.now()
    for (const { age_ms, digest: _, ...fields } of added) {
      newest += 1
      events.push({ ...fields, id: String(newest), at: new Date(now - age_ms).toISOString() })
    }
    if (events.length > maxInMemory) events = events.slice(-maxInMemory)
  }

  function select({ filter, after, before, limit }: EventQuery): EventPage {
    const matching = events.filter(
      (event) =>
        (after === undefined || Number(event.id) > Number(after)) &&
        (before === undefined || Number(event.id) < Number(before)) &&
        matches(event, filter),
    )
    const page = after === undefined ? matching.toReversed() : matching
    return { events: page.slice(0, limit), newest: String(newest), oldest: events[0]?.id }
  }

  function prune({ maxRows, maxAgeMs }: EventLimits): number {
    const limit = Date.now() - maxAgeMs
    const firstYoung = events.findIndex(({ at }) => Date.parse(at) >= limit)
    const surplus = Math.max(0, events.length - maxRows, firstYoung < 0 ? events.length : firstYoung)
    events = events.slice(surplus)
    return surplus
  }

  return { append, select, prune }
}

function matches(event: StoredEvent, { namespaces, types, since, ...equal }: EventFilter): boolean {
  if (types && !types.includes(event.type) && !types.includes(event.event_type)) return false
  if (namespaces && (event.namespace === undefined || !namespaces.includes(event.namespace))) return false
  if (since !== undefined && Date.parse(event.at) < since) return false
  const keys = Object.keys(equal) as (keyof typeof equal)[]
  return keys.every((key) => equal[key] === undefined || [equal[key]].flat().includes(event[key] ?? ''))
}
