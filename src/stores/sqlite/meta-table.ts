import type { DatabaseSync } from 'node:sqlite'

/** Runs `work` in a transaction that is on disk when this returns. */
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

export type MetaTable = ReturnType<typeof createMetaTable>

/** Key-value rows: `epoch`, the last `version`, and `forgotten`, the version up to which deletions are pruned. */
export function createMetaTable(database: DatabaseSync) {
  const select = database.prepare('SELECT value FROM roster_meta WHERE key = ?')
  const replace = database.prepare('INSERT OR REPLACE INTO roster_meta VALUES (?, ?)')

  return {
    get: (key: string) => String(select.get(key)?.['value'] ?? '0'),
    set: (key: string, value: string) => void replace.run(key, value),
  }
}
