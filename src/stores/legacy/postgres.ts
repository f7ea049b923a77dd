import { silent } from '../../log.ts'
import type { ServerStoreConfig } from '../config.ts'
import { openPostgresPool, type PostgresRun } from '../postgres/pool.ts'
import { connectionSettings } from '../sql/connection-settings.ts'
import { assertLegacyDatabase, skippedTables, type LegacyRow, type LegacyTables } from './legacy-schema.ts'

/** The tables of an original mesh registry in PostgreSQL, read in one read-only transaction. */
export async function readPostgres(config: ServerStoreConfig): Promise<LegacyTables> {
  const address = connectionSettings(config)
  const pool = await openPostgresPool(address, { size: 2, timeoutMs: config.timeout * 1000, log: silent })
  try {
    return await pool.transaction('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY', (run) =>
      read(run, address.label),
    )
  } finally {
    await pool.close()
  }
}

async function read(run: PostgresRun, label: string): Promise<LegacyTables> {
  const found = await run({
    text: 'SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()',
  })
  const tables = found.map(({ table_name }) => String(table_name))
  assertLegacyDatabase(tables, label)
  // As JSON, a time without a zone stays as it is written; the driver would take it for this machine's.
  const rows = async (table: string) =>
    tables.includes(table)
      ? (await run({ text: `SELECT to_jsonb(t) AS row FROM ${table} t` })).map(({ row }) => row as LegacyRow)
      : []
  const counts: Record<string, number> = {}
  for (const table of skippedTables.filter((table) => tables.includes(table))) {
    const [row] = await run({ text: `SELECT count(*) AS n FROM ${table}` })
    counts[table] = Number(row?.['n'])
  }
  return { agents: await rows('agents'), capabilities: await rows('capabilities'), counts }
}
