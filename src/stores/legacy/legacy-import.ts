import { StoreConfig, storeFromUrl } from '../config.ts'
import { StoreRefusal } from '../store.ts'
import { parseAgents, type ImportReport, type LegacyAgent, type LegacyTables } from './legacy-schema.ts'

/**
 * Reads all agents out of a database of the original mesh registry, SQLite or PostgreSQL, and leaves it untouched.
 *
 * What can't be read is said in the report, field by field; the rest of the agent is kept.
 */
export async function readLegacyAgents(url: string): Promise<{ agents: readonly LegacyAgent[]; report: ImportReport }> {
  return parseAgents(await tablesAt(url))
}

async function tablesAt(url: string): Promise<LegacyTables> {
  const place = StoreConfig.parse(storeFromUrl(url))
  if (place.type === 'sqlite') {
    const { readSqlite } = await import('./sqlite.ts')
    return readSqlite(place.path)
  }
  if (place.type === 'postgres') {
    const { readPostgres } = await import('./postgres.ts')
    return readPostgres(place)
  }
  throw new StoreRefusal(
    'the original mesh registry kept its agents in SQLite or PostgreSQL: name a file or postgres://…',
  )
}
