import { StoreRefusal } from '../store.ts'

/** The contents of a database, inspected before anything is written to it. */
export type DatabaseContents = {
  /** Names of its tables and views. */
  readonly tables: readonly string[]
  /** Number of the last migration; undefined where `roster_meta` does not have it. */
  readonly schema: number | undefined
}

/** The schema version in rows of `roster_meta`. `column` holds the keys; a foreign table has other columns. */
export function schemaVersion(rows: readonly Readonly<Record<string, unknown>>[], column: string): number | undefined {
  const row = rows.find((one) => one[column] === 'schema')
  return row && Number(row['value'])
}

/** Limited, since a foreign table of this name may be large. */
export const metaQuery = 'SELECT * FROM roster_meta LIMIT 100'

/**
 * The migrations still to run. Refuses a foreign database, and one of a later version, before anything is written.
 *
 * `label` names the database without its secrets.
 */
export function pendingMigrations<T>(
  migrations: readonly T[],
  { tables, schema }: DatabaseContents,
  label: string,
): readonly T[] {
  if (tables.length === 0) return migrations
  if (tables.includes('roster_meta')) {
    if (schema === undefined || !Number.isSafeInteger(schema) || schema < 0) {
      throw new StoreRefusal(
        `${label} has a table roster_meta without a schema version, and was left untouched: ` +
          'restore it from a backup, or give mcp-roster a database of its own',
      )
    }
    if (schema > migrations.length) {
      throw new StoreRefusal(
        `${label} was written by a newer mcp-roster (schema ${schema}, this version has ${migrations.length}): ` +
          'run that version, or restore a backup made by this one into an empty database',
      )
    }
    return migrations.slice(schema)
  }
  if (tables.includes('agents') && tables.includes('capabilities')) {
    throw new StoreRefusal(
      `${label} is a database of the original mesh registry and was left untouched: give mcp-roster a database of ` +
        'its own, and copy the agents with "mcp-roster import URL"',
    )
  }
  const examples = tables.slice(0, 5).join(', ') + (tables.length > 5 ? ', …' : '')
  throw new StoreRefusal(
    `${label} holds other tables (${examples}) and was left untouched: give mcp-roster a database of its own`,
  )
}
