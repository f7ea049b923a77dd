import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { silent } from '../../log.ts'
import { type ServerStoreConfig, StoreConfig, storeFromUrl } from '../config.ts'
import type { PostgresRun } from '../postgres/pool.ts'
import { connectionSettings } from '../sql/connection-settings.ts'
import { inspectDatabase, isDamaged } from '../sqlite/open-database.ts'
import { StoreRefusal } from '../store.ts'
import { isGoRegistry, parseGoAgents } from './go-registry.ts'
import { parseAgents } from './legacy-agents.ts'
import {
  assertLegacyDatabase,
  legacyEventColumns,
  type ImportReport,
  type LegacyAgent,
  type LegacyRow,
  type LegacyTables,
  newestEvents,
  skippedTables,
} from './legacy-schema.ts'

/**
 * Reads all agents from a database of the original mesh registry, SQLite or PostgreSQL, and leaves it untouched.
 *
 * The report lists unreadable fields; the rest of the agent is imported.
 */
export async function readLegacyAgents(url: string): Promise<{ agents: readonly LegacyAgent[]; report: ImportReport }> {
  const tables = await readTables(url)
  return isGoRegistry(tables) ? parseGoAgents(tables) : parseAgents(tables)
}

async function readTables(url: string): Promise<LegacyTables> {
  const config = StoreConfig.parse(storeFromUrl(url))
  if (config.type === 'sqlite') return readSqlite(config.path)
  if (config.type === 'postgres') return readPostgres(config)
  throw new StoreRefusal('the original mesh registry used SQLite or PostgreSQL: name a file or postgres://…')
}

/** Opens the file read-only. */
function readSqlite(path: string): LegacyTables {
  const file = resolve(path)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new StoreRefusal(`${file} is not a file`)
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  try {
    const { tables } = inspectDatabase(database)
    assertLegacyDatabase(tables, file)
    database.exec('BEGIN')
    const rows = (table: string) => (tables.includes(table) ? database.prepare(`SELECT * FROM ${table}`).all() : [])
    const count = (table: string) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n'])
    const counts = skippedTables.filter((table) => tables.includes(table)).map((table) => [table, count(table)])
    const columns = database.prepare("SELECT name FROM pragma_table_info('registry_events')").all()
    const events = hasEvents(columns) ? database.prepare(newestEvents).all() : []
    return {
      agents: rows('agents'),
      capabilities: rows('capabilities'),
      events,
      schemas: rows('schema_entries'),
      counts: Object.fromEntries(counts),
    }
  } catch (error) {
    throw isDamaged(error) ? new StoreRefusal(`${file} is damaged or not a SQLite database`) : error
  } finally {
    database.close()
  }
}

function hasEvents(columns: readonly LegacyRow[]): boolean {
  const names = new Set(columns.map(({ name }) => name))
  return legacyEventColumns.every((name) => names.has(name))
}

/** Reads in one read-only transaction. */
async function readPostgres(config: ServerStoreConfig): Promise<LegacyTables> {
  const { openPostgresPool } = await import('../postgres/pool.ts')
  const settings = connectionSettings(config)
  const pool = await openPostgresPool(settings, { size: 2, timeoutMs: config.timeout * 1000, log: silent })
  try {
    return await pool.transaction('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY', (run) =>
      readPostgresTables(run, settings.label),
    )
  } finally {
    await pool.close()
  }
}

async function readPostgresTables(run: PostgresRun, label: string): Promise<LegacyTables> {
  const tableRows = await run({
    text: 'SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()',
  })
  const tables = tableRows.map(({ table_name }) => String(table_name))
  assertLegacyDatabase(tables, label)
  // As JSON, a time without a zone keeps its text; the driver would read it in the zone of this machine.
  const rows = async (table: string) =>
    tables.includes(table)
      ? (await run({ text: `SELECT to_jsonb(t) AS row FROM ${table} t` })).map(({ row }) => row as LegacyRow)
      : []
  const counts: Record<string, number> = {}
  for (const table of skippedTables.filter((name) => tables.includes(name))) {
    const [row] = await run({ text: `SELECT count(*) AS n FROM ${table}` })
    counts[table] = Number(row?.['n'])
  }
  const columns = await run({
    text: `SELECT column_name AS name FROM information_schema.columns
           WHERE table_schema = current_schema() AND table_name = 'registry_events'`,
  })
  const events = hasEvents(columns) ? await run({ text: newestEvents }) : []
  return {
    agents: await rows('agents'),
    capabilities: await rows('capabilities'),
    events,
    schemas: await rows('schema_entries'),
    counts,
  }
}
