import type { DatabaseSync } from 'node:sqlite'
import { type EventLimits, type EventPage, type EventQuery, maxEventsPerPrune, type NewEvent } from '../event.ts'
import { eventColumns, eventFromRow, eventSelection, eventValues } from '../sql/event-rows.ts'
import { createReplicaDuplicates } from '../sql/replica-duplicates.ts'
import { inTransaction, type MetaTable } from './meta-table.ts'

/** The events in one file. `writer` distinguishes the events of several processes. */
export function createEventTable({
  database,
  meta,
  writer,
}: {
  database: DatabaseSync
  meta: MetaTable
  writer: string
}) {
  const duplicates = createReplicaDuplicates()
  const placeholders = eventColumns.split(', ').map(() => '?')
  const insert = database.prepare(`INSERT INTO roster_events (${eventColumns}) VALUES (${placeholders.join(', ')})`)
  const selectReplicaEvents = database.prepare(
    'SELECT digest, at FROM roster_events WHERE id > ? AND writer <> ? AND digest IS NOT NULL',
  )
  const selectOldest = database.prepare('SELECT min(id) AS id FROM roster_events')
  const selectYoung = database.prepare('SELECT id FROM roster_events WHERE at >= ? ORDER BY id LIMIT 1')
  const remove = database.prepare('DELETE FROM roster_events WHERE id <= ?')

  function appendEvents(events: readonly NewEvent[]): void {
    const confirm = inTransaction(database, () => {
      const now = Date.now()
      const newest = Number(meta.get('event'))
      const rows = selectReplicaEvents.all(duplicates.readFrom(newest), writer)
      const replicaEvents = rows.map(({ digest, at }) => ({ digest: String(digest), at: Number(at) }))
      const { fresh, confirm } = duplicates.plan(events, { replicaEvents, newest, now })
      for (const [index, event] of fresh.entries())
        insert.run(...eventValues(event, { id: newest + index + 1, now, writer }))
      if (fresh.length > 0) meta.set('event', String(newest + fresh.length))
      return confirm
    })
    confirm()
  }

  function oldestId(): number | undefined {
    const id = selectOldest.get()?.['id']
    return typeof id === 'number' ? id : undefined
  }

  function events(query: EventQuery): EventPage {
    const newest = meta.get('event')
    const oldest = oldestId()
    const values: (string | number)[] = []
    const selection = eventSelection(query, newest, (value) => (values.push(value), '?'))
    const rows = database.prepare(`SELECT ${eventColumns} FROM roster_events ${selection}`).all(...values)
    return { events: rows.map(eventFromRow), newest, oldest: oldest === undefined ? undefined : String(oldest) }
  }

  function pruneEvents({ maxRows, maxAgeMs }: EventLimits): number {
    const oldest = oldestId()
    if (oldest === undefined) return 0
    const newest = Number(meta.get('event'))
    const young = Number(selectYoung.get(Date.now() - maxAgeMs)?.['id'] ?? newest + 1)
    const upTo = Math.min(Math.max(newest - maxRows, young - 1), oldest + maxEventsPerPrune - 1)
    return upTo < oldest ? 0 : Number(inTransaction(database, () => remove.run(upTo)).changes)
  }

  return { appendEvents, events, pruneEvents }
}
