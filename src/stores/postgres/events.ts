import type { EventDialect, EventSession } from '../sql/dialect.ts'
import { eventBoundsFromRow, eventColumns, eventSelection } from '../sql/event-rows.ts'
import { fenceValues, isAlive } from '../sql/member-rows.ts'
import { postgresClock } from './migrations.ts'
import type { PostgresPool, PostgresRun } from './pool.ts'

/** The statements of PostgreSQL for events. Every write has one shape, whatever the number of rows. */
export function postgresEvents({ run, transaction }: Pick<PostgresPool, 'run' | 'transaction'>): EventDialect {
  return {
    appendEvents: (work) => transaction('SELECT 1', (run) => work(sessionOf(run))),
    eventBounds: async () => {
      // One snapshot: an event that is visible has an id up to `newest`.
      const [row] = await run({
        name: 'roster-event-bounds',
        text: `SELECT value AS newest, (SELECT min(id) FROM roster_events) AS oldest, ${postgresClock} AS now
               FROM roster_meta WHERE key = 'event'`,
      })
      return eventBoundsFromRow(row)
    },
    selectEvents: (query, newest) => {
      const values: (string | number)[] = []
      const selection = eventSelection(query, newest, (value) => `$${values.push(value)}`)
      return run({ text: `SELECT ${eventColumns} FROM roster_events ${selection}`, values })
    },
    firstEventSince: async (time) => {
      const [row] = await run({
        name: 'roster-event-since',
        text: 'SELECT id FROM roster_events WHERE at >= $1 ORDER BY id LIMIT 1',
        values: [time],
      })
      return row && String(row['id'])
    },
    deleteEvents: async (upTo, fence) => {
      const term = `SELECT 1 FROM roster_members m WHERE m.id = $2 AND incarnation = $3 AND ${isAlive(postgresClock)}`
      const [row] = await run({
        name: 'roster-event-delete',
        text: `WITH gone AS (DELETE FROM roster_events WHERE id <= $1 AND ($2::text IS NULL OR EXISTS (${term})) RETURNING 1)
               SELECT count(*) AS count FROM gone`,
        values: [upTo, ...fenceValues(fence)],
      })
      return Number(row?.['count'])
    },
  }
}

const columnTypes = ['bigint', 'bigint', 'text', 'text', 'text', 'text', 'text', 'text', 'text', 'text', 'text', 'text']

function sessionOf(run: PostgresRun): EventSession {
  return {
    lock: async () => {
      const [row] = await run({
        name: 'roster-event-lock',
        text: `SELECT value, ${postgresClock} AS now FROM roster_meta WHERE key = 'event' FOR UPDATE`,
      })
      return { newest: Number(row?.['value']), now: Number(row?.['now']) }
    },
    replicaEvents: (after, writer) =>
      run({
        name: 'roster-event-replicas',
        text: 'SELECT digest, at FROM roster_events WHERE id > $1 AND writer <> $2 AND digest IS NOT NULL',
        values: [after, writer],
      }),
    insert: async (rows, newest) => {
      const columns = columnTypes.map((type, index) => `$${index + 1}::${type}[]`).join(', ')
      await run({
        name: 'roster-event-insert',
        text: `INSERT INTO roster_events (${eventColumns}) SELECT * FROM unnest(${columns})`,
        values: columnTypes.map((_, column) => rows.map((row) => row[column])),
      })
      await run({
        name: 'roster-event-newest',
        text: "UPDATE roster_meta SET value = $1 WHERE key = 'event'",
        values: [String(newest)],
      })
    },
  }
}
