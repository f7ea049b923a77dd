import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type HistoryFacts, historyFacts } from '../sql/lineage.ts'

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

  const get = (key: string) => String(select.get(key)?.['value'] ?? '0')
  const set = (key: string, value: string) => void replace.run(key, value)

  /** Goes on at `version` under another lineage, after the database went back to the version `to`. */
  function rewind(to: string, version: string): void {
    for (const [key, value] of Object.entries({ version, rewound: to, lineage: randomUUID() })) set(key, value)
  }

  return {
    get,
    set,
    rewind,
    facts: (): HistoryFacts => historyFacts(get, undefined),
  }
}
