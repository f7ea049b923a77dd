import { type EventLimits, type EventPage, type EventQuery, maxEventsPerPrune, type NewEvent } from '../event.ts'
import type { Fence } from '../member.ts'
import type { EventDialect } from './dialect.ts'
import { eventFromRow, eventValues } from './event-rows.ts'
import { createReplicaDuplicates } from './replica-duplicates.ts'

/** The events in a database server that several replicas may share. */
export function createEventLog({ dialect, writer }: { dialect: EventDialect; writer: string }) {
  const duplicates = createReplicaDuplicates()

  async function appendEvents(events: readonly NewEvent[]): Promise<void> {
    const confirm = await dialect.appendEvents(async (session) => {
      const { newest, now } = await session.lock()
      const rows = await session.replicaEvents(duplicates.readFrom(newest), writer)
      const replicaEvents = rows.map(({ digest, at }) => ({ digest: String(digest), at: Number(at) }))
      const { fresh, confirm } = duplicates.plan(events, { replicaEvents, newest, now })
      const values = fresh.map((event, index) => eventValues(event, { id: newest + index + 1, now, writer }))
      if (values.length > 0) await session.insert(values, newest + values.length)
      return confirm
    })
    confirm()
  }

  async function events(query: EventQuery): Promise<EventPage> {
    const { newest, oldest } = await dialect.eventBounds()
    return { events: (await dialect.selectEvents(query, newest)).map(eventFromRow), newest, oldest }
  }

  async function pruneEvents({ maxRows, maxAgeMs }: EventLimits, fence?: Fence): Promise<number> {
    const { newest, oldest, now } = await dialect.eventBounds()
    if (oldest === undefined) return 0
    const young = await dialect.firstEventSince(now - maxAgeMs)
    const last = Math.max(Number(newest) - maxRows, Number(young ?? Number(newest) + 1) - 1)
    const upTo = Math.min(last, Number(oldest) + maxEventsPerPrune - 1)
    if (upTo < Number(oldest)) return 0
    return dialect.deleteEvents(upTo, fence)
  }

  return { appendEvents, events, pruneEvents }
}
