import { chmodSync, type Stats, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { type DatabaseContents, metaQuery, pendingMigrations, schemaVersion } from '../sql/pending-migrations.ts'
import { StoreRefusal } from '../store.ts'
import { makeFile } from './folder.ts'
import { sqliteMigrations } from './migrations.ts'

/** Above this a database is not read through at start; damage is found when the page is met. */
const checkedBytes = 16 * 1024 * 1024

/** Opens the file of a store, makes it where there is none, and brings it up to date. Refuses what is not ours, untouched. */
export function openDatabase(path: string): DatabaseSync {
  const there = lookAt(path)
  if (there) inspectFile(path, there)
  else makeFile(path)
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

function lookAt(path: string): Stats | undefined {
  const there = statSync(path, { throwIfNoEntry: false })
  if (there && !there.isFile()) throw new StoreRefusal(`${path} is no file: name a file for the store`)
  return there
}

/** Read-only: a file that is not ours must not even change its mode. */
function inspectFile(path: string, { mode, size }: Stats): void {
  if (size > 0) {
    const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
    try {
      pendingMigrations(sqliteMigrations, inspectDatabase(database), path)
      if (size <= checkedBytes) checkSound(database, path)
    } catch (error) {
      throw isDamaged(error)
        ? new StoreRefusal(`${path} is no SQLite database, or a damaged one, and was left untouched: restore a backup`)
        : error
    } finally {
      database.close()
    }
  }
  if ((mode & 0o077) !== 0) chmodSync(path, 0o600)
}

/** What the database holds, whoever made it; changes nothing. */
export function inspectDatabase(database: DatabaseSync): DatabaseContents {
  const rows = database
    .prepare("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'")
    .all()
  const tables = rows.map(({ name }) => String(name))
  if (!tables.includes('roster_meta')) return { tables, schema: undefined }
  return { tables, schema: schemaVersion(database.prepare(metaQuery).all(), 'key') }
}

function checkSound(database: DatabaseSync, path: string): void {
  const found = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check']
  if (found === 'ok') return
  throw new StoreRefusal(
    `${path} is damaged and was left untouched: move it away and restore a backup (${String(found)})`,
  )
}

/** SQLITE_CORRUPT or SQLITE_NOTADB. */
export function isDamaged(error: unknown): boolean {
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
  return code === 11 || code === 26
}

function migrate(database: DatabaseSync, path: string): void {
  if (pendingMigrations(sqliteMigrations, inspectDatabase(database), path).length === 0) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Another process may have done it meanwhile.
    for (const migration of pendingMigrations(sqliteMigrations, inspectDatabase(database), path))
      database.exec(migration)
    database.exec(`INSERT OR REPLACE INTO roster_meta VALUES ('schema', '${sqliteMigrations.length}')`)
    database.exec('COMMIT')
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
