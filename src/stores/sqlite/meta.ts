import type { DatabaseSync } from 'node:sqlite'

export type MetaTable = ReturnType<typeof createMetaTable>

/** What the database knows of itself: `epoch`, the last `version`, and up to which version deletions are `forgotten`. */
export function createMetaTable(database: DatabaseSync) {
  const find = database.prepare('SELECT value FROM roster_meta WHERE key = ?')
  const put = database.prepare('INSERT OR REPLACE INTO roster_meta VALUES (?, ?)')

  return {
    get: (key: string) => String(find.get(key)?.['value'] ?? '0'),
    set: (key: string, value: string) => void put.run(key, value),
  }
}

/** Carries out `work` whole or not at all; on disk when it returns. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}
