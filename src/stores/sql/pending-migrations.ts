import { StoreRefusal } from '../store.ts'

/** What a database holds, as far as it matters before it is touched. */
export type DatabaseContents = {
  /** Names of its tables and views. */
  readonly tables: readonly string[]
  /** Number of the last migration it went through; undefined where `roster_meta` does not say. */
  readonly schema: number | undefined
}

/** The schema that rows of `roster_meta` tell of, whose names stand in `column`; a table of another's has other columns. */
export function schemaVersion(rows: readonly Readonly<Record<string, unknown>>[], column: string): number | undefined {
  const row = rows.find((one) => one[column] === 'schema')
  return row && Number(row['value'])
}

/** Enough to find what is ours, little enough where the table is another's. */
export const metaQuery = 'SELECT * FROM roster_meta LIMIT 100'

/**
 * Which migrations are still to run; refuses what is not ours, or from a later program, before anything is touched.
 *
 * `where` names the database without its secrets.
 */
export function pendingMigrations<T>(
  migrations: readonly T[],
  { tables, schema }: DatabaseContents,
  where: string,
): readonly T[] {
  if (tables.length === 0) return migrations
  if (tables.includes('roster_meta')) {
    if (schema === undefined || !Number.isSafeInteger(schema) || schema < 0) {
      throw new StoreRefusal(
        `${where} has a table roster_meta that does not say which schema it is of, and was left untouched: ` +
          'restore it from a backup, or give mcp-roster a database of its own',
      )
    }
    if (schema > migrations.length) {
      throw new StoreRefusal(
        `${where} was written by a newer mcp-roster (schema ${schema}, this one knows ${migrations.length}): ` +
          'run that version, or restore a backup made by this one into an empty database',
      )
    }
    return migrations.slice(schema)
  }
  if (tables.includes('agents') && tables.includes('capabilities')) {
    throw new StoreRefusal(
      `${where} is a database of the original mesh registry and was left untouched: give mcp-roster a database of ` +
        'its own, and copy the agents with "mcp-roster import URL"',
    )
  }
  const some = tables.slice(0, 5).join(', ') + (tables.length > 5 ? ', …' : '')
  throw new StoreRefusal(
    `${where} holds tables of something else (${some}) and was left untouched: give mcp-roster a database of its own`,
  )
}
