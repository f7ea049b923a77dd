import type { DatabaseSync } from 'node:sqlite'
import type { ChangeBatch, ChangeCursor } from '../driver.ts'
import { nextHeartbeats } from '../sql/heartbeat-window.ts'
import { type Lineage, nameOf } from '../sql/lineage.ts'
import type { OwnWrites } from '../sql/own-writes.ts'
import { registrationColumns, registrationFromRow } from '../sql/stored-rows.ts'
import type { RegistrationKey, RegistrationKind, StoreChange } from '../store.ts'
import type { HeartbeatTable } from './heartbeat-table.ts'
import type { MetaTable } from './meta-table.ts'

/** Reads the changes that other processes wrote to the file; costs next to nothing while there are none. */
export function createChangeFeed({
  database,
  meta,
  ownWrites,
  heartbeatTable,
  lineage,
  catchUp,
  writer,
}: {
  database: DatabaseSync
  meta: MetaTable
  ownWrites: OwnWrites
  heartbeatTable: HeartbeatTable
  lineage: Lineage
  /** Goes on above all versions seen, after the file went back. */
  catchUp: () => void
  writer: string
}) {
  const dataVersion = database.prepare('PRAGMA data_version')
  const selectRegistration = database.prepare(
    `SELECT version, ${registrationColumns} FROM roster_registrations WHERE version = ?`,
  )
  const selectChanges = database.prepare(`
    SELECT version, 0 AS deleted, kind, namespace, name FROM roster_registrations WHERE version > ?1
    UNION ALL SELECT version, 1, kind, namespace, name FROM roster_deletions WHERE version > ?1 ORDER BY version`)

  /** Changes when another connection writes, and with every opening: a commit reported as failed may have succeeded. */
  function currentMark(): string {
    return `${writer} ${String(dataVersion.get()?.['data_version'])}`
  }

  return function changesSince(cursor: ChangeCursor): ChangeBatch {
    // Read before the mark: another process may write at any moment, and changes before a cursor are never read again.
    const currentVersion = meta.get('version')
    const mark = currentMark()
    if (cursor.mark === mark) return { compacted: false, cursor: { ...cursor, version: currentVersion }, changes: [] }
    const now = Date.now()
    const rows = selectChanges.all(Number(cursor.version))
    if (lineage.isBehind(currentVersion)) catchUp()
    const facts = meta.facts()
    const found = lineage.compare(facts, cursor)
    if (found) {
      ownWrites.forgetBefore(lineage.highest())
      const since = selectChanges.all(Number(found.to)).filter(({ deleted }) => deleted === 1)
      return { compacted: true, rewound: { ...found, deleted: since.map(keyFromRow) } }
    }
    if (Number(meta.get('forgotten')) > Number(cursor.version)) return { compacted: true }
    const changes = rows.filter((row) => !ownWrites.has(String(row['version']))).flatMap(changeFromRow)
    const { windows, next } = nextHeartbeats(cursor.heartbeats, now)
    const { heartbeats, times } = heartbeatTable.foreignIn(windows)
    if (heartbeats.length > 0) changes.push({ type: 'heartbeats', heartbeats })
    const version = String(rows.at(-1)?.['version'] ?? cursor.version)
    ownWrites.forgetBefore(version)
    lineage.see(version)
    return { compacted: false, cursor: { version, lineage: nameOf(facts), heartbeats: next(times), mark }, changes }
  }

  function changeFromRow(changed: Record<string, unknown>): StoreChange[] {
    const { version, deleted } = changed
    if (deleted !== 1) {
      const row = selectRegistration.get(version as number)
      return row ? [{ type: 'put', registration: registrationFromRow(row) }] : []
    }
    return [{ type: 'deleted', ...keyFromRow(changed), resource_version: String(version) }]
  }
}

function keyFromRow({ kind, namespace, name }: Record<string, unknown>): RegistrationKey {
  return { kind: kind as RegistrationKind, namespace: String(namespace), name: String(name) }
}
