import type { DatabaseSync } from 'node:sqlite'
import type { ChangeCursor, ChangeBatch } from '../driver.ts'
import type { OwnWrites } from '../sql/own-writes.ts'
import { registrationColumns, registrationFromRow } from '../sql/registration-rows.ts'
import type { RegistrationKind, StoreChange } from '../store.ts'
import type { HeartbeatTable } from './heartbeat-table.ts'
import type { MetaTable } from './meta.ts'

/** A write of another process may become visible this much after the time that stands in it. */
const overlapMs = 5000

/** What other processes wrote to the file; asking costs next to nothing while there are none. */
export function createChangeFeed({
  database,
  meta,
  own,
  heard,
  writer,
}: {
  database: DatabaseSync
  meta: MetaTable
  own: OwnWrites
  heard: HeartbeatTable
  writer: string
}) {
  const dataVersion = database.prepare('PRAGMA data_version')
  const at = database.prepare(`SELECT version, ${registrationColumns} FROM roster_registrations WHERE version = ?`)
  const after = database.prepare(`
    SELECT version, 0 AS deleted, kind, namespace, name FROM roster_registrations WHERE version > ?1
    UNION ALL SELECT version, 1, kind, namespace, name FROM roster_deletions WHERE version > ?1 ORDER BY version`)

  /** Changes when another connection writes, and with every opening: a commit that was reported as failed may be there. */
  function mark(): string {
    return `${writer} ${String(dataVersion.get()?.['data_version'])}`
  }

  return function since(cursor: ChangeCursor): ChangeBatch {
    // Read before the mark: another process may write at any moment, and what lies before a cursor is never looked at again.
    const written = meta.get('version')
    const seen = mark()
    if (cursor.mark === seen) return { compacted: false, cursor: { ...cursor, version: written }, changes: [] }
    const now = Date.now()
    const rows = after.all(Number(cursor.version))
    if (Number(meta.get('forgotten')) > Number(cursor.version)) return { compacted: true }
    const news = rows.filter((row) => !own.has(String(row['version']))).flatMap(newsOf)
    const beats = heard.foreignSince((cursor.clock ?? now - 60_000) - overlapMs)
    if (beats.length > 0) news.push({ type: 'heartbeats', heartbeats: beats })
    const version = String(rows.at(-1)?.['version'] ?? cursor.version)
    own.forgetBefore(version)
    return { compacted: false, cursor: { version, clock: now, mark: seen }, changes: news }
  }

  function newsOf({ version, deleted, kind, namespace, name }: Record<string, unknown>): StoreChange[] {
    if (deleted !== 1) {
      const row = at.get(version as number)
      return row ? [{ type: 'put', registration: registrationFromRow(row) }] : []
    }
    const key = { kind: kind as RegistrationKind, namespace: String(namespace), name: String(name) }
    return [{ type: 'deleted', ...key, resource_version: String(version) }]
  }
}
