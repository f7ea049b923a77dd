import type { EventDialect, EventSession } from '../sql/dialect.ts'
import { eventBoundsFromRow, eventColumns, eventSelection } from '../sql/event-rows.ts'
import { fenceValues, isAlive } from '../sql/member-rows.ts'
import { mysqlClock } from './migrations.ts'
import { splitIntoPackets } from './packets.ts'
import type { MysqlPool, MysqlRun } from './pool.ts'

/** Columns whose values are bytes to MySQL. */
const byteColumns = new Set(['namespace', 'server', 'agent_id', 'function_name', 'source'])
const selectedColumns = eventColumns
  .split(', ')
  .map((column) => (byteColumns.has(column) ? `CONVERT(${column} USING utf8mb4) AS ${column}` : column))
  .join(', ')

/** The statements of MySQL and MariaDB for events. */
export function mysqlEvents(
  { run, transaction }: Pick<MysqlPool, 'run' | 'transaction'>,
  maxPacket: number,
): EventDialect {
  const one = (sql: string, values: readonly unknown[] = []) => run((run) => run(sql, values))

  return {
    appendEvents: (work) => transaction((run) => work(sessionOf(run, maxPacket))),
    eventBounds: async () => {
      // One snapshot: an event that is visible has an id up to `newest`.
      const [row] = await one(
        `SELECT value AS newest, (SELECT MIN(id) FROM roster_events) AS oldest, ${mysqlClock} AS now
         FROM roster_meta WHERE name = 'event'`,
      )
      return eventBoundsFromRow(row)
    },
    selectEvents: (query, newest) => {
      const values: (string | number)[] = []
      const selection = eventSelection(query, newest, (value) => (values.push(value), '?'))
      return one(`SELECT ${selectedColumns} FROM roster_events ${selection}`, values)
    },
    firstEventSince: async (time) => {
      const [row] = await one('SELECT id FROM roster_events WHERE at >= ? ORDER BY id LIMIT 1', [time])
      return row && String(row['id'])
    },
    deleteEvents: (upTo, fence) => {
      const [id, incarnation] = fenceValues(fence)
      const term = `SELECT 1 FROM roster_members m WHERE m.id = ? AND incarnation = ? AND ${isAlive(mysqlClock)}`
      const sql = `DELETE FROM roster_events WHERE id <= ? AND (? IS NULL OR EXISTS (${term}))`
      return run(async (run) => (await run.write(sql, [upTo, id, id, incarnation])).affectedRows)
    },
  }
}

function sessionOf(run: MysqlRun, maxPacket: number): EventSession {
  return {
    lock: async () => {
      const [row] = await run(`SELECT value, ${mysqlClock} AS now FROM roster_meta WHERE name = 'event' FOR UPDATE`)
      return { newest: Number(row?.['value']), now: Number(row?.['now']) }
    },
    replicaEvents: (after, writer) =>
      run('SELECT digest, at FROM roster_events WHERE id > ? AND writer <> ? AND digest IS NOT NULL', [after, writer]),
    insert: async (rows, newest) => {
      for (const packet of splitIntoPackets(rows, maxPacket))
        await run(`INSERT INTO roster_events (${eventColumns}) VALUES ?`, [packet])
      await run("UPDATE roster_meta SET value = ? WHERE name = 'event'", [String(newest)])
    },
  }
}
