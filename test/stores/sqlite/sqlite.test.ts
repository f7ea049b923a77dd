import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { silent } from '../../../src/log.ts'
import { openSqlite } from '../../../src/stores/sqlite/sqlite.ts'
import { testStoreContract } from '../../contracts/store.ts'

const tables = ['roster_meta', 'roster_registrations', 'roster_deletions', 'roster_beats']

/** Copies the tables on a connection of its own, which puts them back. */
function save(path: string) {
  const database = new DatabaseSync(path, { timeout: 5000 })
  for (const table of tables) database.exec(`CREATE TEMP TABLE saved_${table} AS SELECT * FROM main.${table}`)
  return async () => {
    const restored = tables.map(
      (table) => `DELETE FROM main.${table}; INSERT INTO main.${table} SELECT * FROM saved_${table};`,
    )
    database.exec(`BEGIN IMMEDIATE; ${restored.join(' ')} COMMIT`)
    database.close()
  }
}

testStoreContract({
  name: 'sqlite',
  make: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'roster-'))
    return {
      open: () => openSqlite({ path: join(folder, 'state', 'roster.db'), log: silent }),
      save: async () => save(join(folder, 'state', 'roster.db')),
      [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true }),
    }
  },
  survives: true,
  shared: true,
})
