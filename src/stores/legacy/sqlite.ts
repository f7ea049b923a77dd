import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { inspectDatabase, isDamaged } from '../sqlite/open-database.ts'
import { StoreRefusal } from '../store.ts'
import { assertLegacyDatabase, skippedTables, type LegacyTables } from './legacy-schema.ts'

/** The tables of an original mesh registry in a file, which is opened read-only. */
export function readSqlite(path: string): LegacyTables {
  const file = resolve(path)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new StoreRefusal(`${file} is no file`)
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  try {
    const { tables } = inspectDatabase(database)
    assertLegacyDatabase(tables, file)
    database.exec('BEGIN')
    const rows = (table: string) => (tables.includes(table) ? database.prepare(`SELECT * FROM ${table}`).all() : [])
    const count = (table: string) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
    const counted = skippedTables.filter((table) => tables.includes(table)).map((table) => [table, count(table)])
    return { agents: rows('agents'), capabilities: rows('capabilities'), counts: Object.fromEntries(counted) }
  } catch (error) {
    throw isDamaged(error) ? new StoreRefusal(`${file} is no SQLite database, or a damaged one`) : error
  } finally {
    database.close()
  }
}
