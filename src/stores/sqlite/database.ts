import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import type { Lineage } from '../sql/lineage.ts'
import { createOwnWrites } from '../sql/own-writes.ts'
import { registrationColumns, registrationFromRow, statisticsFromRow, toTimestamp } from '../sql/stored-rows.ts'
import {
  statisticsPageSize,
  type StoredReading,
  type StoredRegistration,
  type StoredSource,
  type StoredStatistics,
} from '../store.ts'
import { createChangeFeed } from './change-feed.ts'
import { createCommit } from './commit.ts'
import { createEventTable } from './event-table.ts'
import { createHeartbeatTable } from './heartbeat-table.ts'
import { createMetaTable, inTransaction } from './meta-table.ts'

/** Maximum registrations of one page. */
const pageSize = 1000

export type Differences = readonly (readonly [at: number, current: StoredRegistration | undefined])[]

export type SqliteOperations = ReturnType<typeof createSqliteOperations>

/** The methods of a driver over one open database with its lineage, each in one transaction. They block, so they run on a thread. */
export function createSqliteOperations(database: DatabaseSync, lineage: Lineage) {
  const writer = randomUUID()
  const ownWrites = createOwnWrites()
  const meta = createMetaTable(database)
  const heartbeatTable = createHeartbeatTable(database, writer)
  const selectPage = database.prepare(
    `SELECT version, ${registrationColumns} FROM roster_registrations WHERE version > ? ORDER BY version LIMIT ${pageSize}`,
  )

  const selectVersion = database.prepare('SELECT version FROM roster_registrations WHERE kind = ? AND id = ?')
  const selectWhole = database.prepare(
    `SELECT version, ${registrationColumns} FROM roster_registrations WHERE kind = ? AND id = ?`,
  )

  const commit = createCommit({ database, meta, ownWrites, heartbeatTable, lineage })

  function head() {
    if (lineage.isBehind(meta.get('version'))) commit([])
    const facts = meta.facts()
    lineage.begin(facts)
    lineage.see(facts.version)
    return facts
  }

  function page(after: string | undefined): { registrations: readonly StoredRegistration[]; last: string } {
    const registrations = selectPage.all(Number(after ?? 0)).map(registrationFromRow)
    return { registrations, last: registrations.at(-1)?.resource_version ?? '' }
  }

  /**
   * The registrations that are not stored at the given versions, by position; undefined where none is stored. A version of '' stands
   * for none. Flat lists, since every message is copied.
   */
  function differing(kinds: readonly string[], ids: readonly string[], versions: readonly string[]): Differences {
    return kinds.flatMap((kind, at): Differences => {
      const id = ids[at] ?? ''
      const version = selectVersion.get(kind, id)?.['version'] ?? ''
      if (String(version) === versions[at]) return []
      const row = selectWhole.get(kind, id)
      return [[at, row && registrationFromRow(row)]]
    })
  }

  return {
    head,
    page,
    differing,
    commit,
    writeHeartbeats: heartbeatTable.write,
    heartbeats: heartbeatTable.all,
    changesSince: createChangeFeed({
      database,
      meta,
      ownWrites,
      heartbeatTable,
      lineage,
      catchUp: () => void commit([]),
      writer,
    }),
    saveReadings: (source: string, fingerprint: string, readings: readonly StoredReading[]) =>
      saveReadings(database, source, fingerprint, readings),
    readings: () => loadReadings(database),
    saveStatistics: (saved: readonly StoredStatistics[], removed: readonly string[]) =>
      saveStatistics(database, saved, removed),
    statistics: (after: string | undefined): readonly StoredStatistics[] =>
      database
        .prepare(selectStatistics)
        .all(after ?? '')
        .map(statisticsFromRow),
    ...createEventTable({ database, meta, writer }),
    /** Proves that the disk takes writes. The value changes, since SQLite would not write an equal one. */
    touch: () => inTransaction(database, () => meta.set('touched', String(Date.now()))),
  }
}

function saveReadings(
  database: DatabaseSync,
  source: string,
  fingerprint: string,
  readings: readonly StoredReading[],
): void {
  inTransaction(database, () => {
    database.prepare('DELETE FROM roster_readings WHERE source = ?').run(source)
    database.prepare('INSERT OR REPLACE INTO roster_sources VALUES (?, ?, ?)').run(source, fingerprint, Date.now())
    const insert = database.prepare('INSERT INTO roster_readings VALUES (?, ?, ?, ?)')
    for (const [position, { origin, reading }] of readings.entries()) insert.run(source, position, origin, reading)
  })
}

function loadReadings(database: DatabaseSync): StoredSource[] {
  const select = database.prepare('SELECT origin, reading FROM roster_readings WHERE source = ? ORDER BY position')
  const sources = database.prepare('SELECT source, fingerprint, kept_at FROM roster_sources').all()
  return sources.map(({ source, fingerprint, kept_at }) => ({
    source: String(source),
    fingerprint: String(fingerprint),
    kept_at: toTimestamp(kept_at),
    readings: select
      .all(source as string)
      .map(({ origin, reading }) => ({ origin: String(origin), reading: String(reading) })),
  }))
}

const selectStatistics = `SELECT server, statistics FROM roster_statistics WHERE server > ? ORDER BY server LIMIT ${statisticsPageSize}`

function saveStatistics(database: DatabaseSync, saved: readonly StoredStatistics[], removed: readonly string[]): void {
  inTransaction(database, () => {
    const remove = database.prepare('DELETE FROM roster_statistics WHERE server = ?')
    for (const server of removed) remove.run(server)
    const replace = database.prepare('INSERT OR REPLACE INTO roster_statistics VALUES (?, ?)')
    for (const { server, statistics } of saved) replace.run(server, statistics)
  })
}
