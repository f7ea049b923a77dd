import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { ForeignHeartbeats } from '../sql/dialect.ts'
import type { StoredHeartbeat } from '../store.ts'
import { inTransaction } from './meta-table.ts'

const upsertSql = `
  INSERT INTO roster_beats
  SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM roster_registrations WHERE kind = 'agent' AND id = ?1)
  ON CONFLICT (name) DO UPDATE SET beat_at = excluded.beat_at, said = excluded.said, writer = excluded.writer,
    written_at = excluded.written_at WHERE excluded.beat_at >= roster_beats.beat_at`

export type HeartbeatTable = ReturnType<typeof createHeartbeatTable>

/** The last heartbeat of each agent. `writer` distinguishes the heartbeats of several processes. */
export function createHeartbeatTable(database: DatabaseSync, writer: string) {
  const upsert = database.prepare(upsertSql)

  function write(heartbeats: readonly StoredHeartbeat[]): void {
    inTransaction(database, () => {
      const now = Date.now()
      for (const { name, age_ms, self_report } of heartbeats)
        upsert.run(name, Math.round(now - age_ms), self_report ?? null, writer, now)
    })
  }

  function select(condition: string, ...values: SQLInputValue[]): StoredHeartbeat[] {
    const now = Date.now()
    const rows = database.prepare(`SELECT name, beat_at, said FROM roster_beats WHERE ${condition}`).all(...values)
    return rows.map(({ name, beat_at, said }) => ({
      name: String(name),
      age_ms: Math.max(0, now - Number(beat_at)),
      ...(said !== null && { self_report: String(said) }),
    }))
  }

  return {
    write,
    all: () => select('true'),
    /** The last heartbeat of an agent, where another process stored it. */
    foreignOf: (name: string) => select('writer <> ? AND name = ?', writer, name)[0],
    /** Those that other processes stored in one of two windows, and when. */
    foreignIn: ([one, two]: ForeignHeartbeats['windows']) => {
      const condition = 'writer <> ? AND ((written_at > ? AND written_at <= ?) OR (written_at > ? AND written_at <= ?))'
      const values = [writer, one.after, one.upTo, two.after, two.upTo]
      const times = database.prepare(`SELECT written_at FROM roster_beats WHERE ${condition}`).all(...values)
      return {
        heartbeats: select(condition, ...values),
        times: times.map(({ written_at }) => Number(written_at)),
      }
    },
  }
}
