import { chmodSync, type Stats, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type DatabaseContents, metaQuery, pendingMigrations, schemaVersion } from '../sql/pending-migrations.ts'
import { StoreRefusal } from '../store.ts'
import { createFile } from './database-file.ts'
import { inTransaction } from './meta-table.ts'
import { sqliteMigrations } from './migrations.ts'

/** Maximum size of a file that is checked for damage at start, in bytes; a larger one reports damage when it is read. */
const maxCheckedBytes = 16 * 1024 * 1024

/** Opens or creates the file of a store and migrates it. Refuses a foreign file, and leaves it untouched. */
export function openDatabase(path: string): DatabaseSync {
  const stats = statFile(path)
  if (stats) inspectFile(path, stats)
  else createFile(path)
  const database = new DatabaseSync(path, { timeout: 5000 })
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864')
    migrate(database, path)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function statFile(path: string): Stats | undefined {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (stats && !stats.isFile()) throw new StoreRefusal(`${path} is not a file; name a file for the store`)
  return stats
}

/** Inspects a file before it is opened for writing: not even the mode of a foreign file may change. */
function inspectFile(path: string, { mode, size }: Stats): void {
  if (size > 0) {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
    try {
      pendingMigrations(sqliteMigrations, inspectDatabase(database), path)
      if (size <= maxCheckedBytes) assertSound(database, path)
    } catch (error) {
      throw isDamaged(error)
        ? new StoreRefusal(`${path} is damaged or not a SQLite database, and was left untouched: restore a backup`)
        : error
    } finally {
      database.close()
    }
  }
  if ((mode & 0o077) !== 0) chmodSync(path, 0o600)
}

/** The tables of any SQLite database, and the schema version of a store; changes nothing. */
export function inspectDatabase(database: DatabaseSync): DatabaseContents {
  const rows = database
    .prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
    .all()
  const tables = rows.map(({ name }) => String(name))
  if (!tables.includes('roster_meta')) return { tables, schema: undefined }
  return { tables, schema: schemaVersion(database.prepare(metaQuery).all(), 'key') }
}

function assertSound(database: DatabaseSync, path: string): void {
  const result = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
  if (result === 'ok') return
  throw new StoreRefusal(
    `${path} is damaged and was left untouched: move it away and restore a backup (${String(result)})`,
  )
}

/** SQLITE_CORRUPT or SQLITE_NOTADB. */
export function isDamaged(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  return code === 11 || code === 26
}

function migrate(database: DatabaseSync, path: string): void {
  if (pendingMigrations(sqliteMigrations, inspectDatabase(database), path).length === 0) return
  inTransaction(database, () => {
    // Another process may have migrated it meanwhile.
    for (const migration of pendingMigrations(sqliteMigrations, inspectDatabase(database), path))
      database.exec(migration)
    database.exec(`INSERT OR REPLACE INTO roster_meta VALUES ('schema', '${sqliteMigrations.length}')`)
  })
}
