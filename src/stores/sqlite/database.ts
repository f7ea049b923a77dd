import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { createOwnWrites } from '../sql/own-writes.ts'
import { registrationColumns, registrationFromRow, toTimestamp } from '../sql/registration-rows.ts'
import type { StoredReading, StoredSource, Registration } from '../store.ts'
import { createChangeFeed } from './change-feed.ts'
import { createCommit } from './commit.ts'
import { createHeartbeatTable } from './heartbeat-table.ts'
import { createMetaTable, inTransaction } from './meta.ts'

const pageSize = 1000

export type SqliteOperations = ReturnType<typeof createSqliteOperations>

/** The verbs of a backend over one open database, each in one transaction. Blocks: it lives on a thread of its own. */
export function createSqliteOperations(database: DatabaseSync) {
  const writer = randomUUID()
  const own = createOwnWrites()
  const meta = createMetaTable(database)
  const heard = createHeartbeatTable(database, writer)
  const pages = database.prepare(
    `SELECT version, ${registrationColumns} FROM roster_registrations WHERE version > ? ORDER BY version LIMIT ${pageSize}`,
  )

  function page(after: string | undefined): { registrations: readonly Registration[]; last: string } {
    const registrations = pages.all(Number(after ?? 0)).map(registrationFromRow)
    return { registrations, last: registrations.at(-1)?.resource_version ?? '' }
  }

  return {
    head: () => ({ epoch: meta.get('epoch'), version: meta.get('version') }),
    page,
    commit: createCommit({ database, meta, own }),
    writeHeartbeats: heard.write,
    heartbeats: heard.all,
    changesSince: createChangeFeed({ database, meta, own, heard, writer }),
    saveReadings: (source: string, fingerprint: string, readings: readonly StoredReading[]) =>
      keepReadings(database, source, fingerprint, readings),
    readings: () => readingsIn(database),
    /** A write for its own sake, to see whether the disk takes it. The same value again would not be written. */
    touch: () => inTransaction(database, () => meta.set('touched', String(Date.now()))),
  }
}

function keepReadings(
  database: DatabaseSync,
  source: string,
  fingerprint: string,
  readings: readonly StoredReading[],
): void {
  inTransaction(database, () => {
    database.prepare('DELETE FROM roster_readings WHERE source = ?').run(source)
    database.prepare('INSERT OR REPLACE INTO roster_sources VALUES (?, ?, ?)').run(source, fingerprint, Date.now())
    const add = database.prepare('INSERT INTO roster_readings VALUES (?, ?, ?, ?)')
    for (const [position, { origin, reading }] of readings.entries()) add.run(source, position, origin, reading)
  })
}

function readingsIn(database: DatabaseSync): StoredSource[] {
  const kept = database.prepare('SELECT origin, reading FROM roster_readings WHERE source = ? ORDER BY position')
  const sources = database.prepare('SELECT source, fingerprint, kept_at FROM roster_sources').all()
  return sources.map(({ source, fingerprint, kept_at }) => ({
    source: String(source),
    fingerprint: String(fingerprint),
    kept_at: toTimestamp(kept_at),
    readings: kept
      .all(source as string)
      .map(({ origin, reading }) => ({ origin: String(origin), reading: String(reading) })),
  }))
}
