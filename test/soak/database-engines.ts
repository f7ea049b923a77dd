import { createConnection } from 'mysql2/promise'
import { mysqlMissing, query as queryMysql, startMysql } from '../stores/databases/mysql.ts'
import { postgresMissing, query as queryPostgres, startPostgres } from '../stores/databases/postgres.ts'

export type Engine = {
  readonly type: 'postgres' | 'mysql'
  readonly missing: () => string | undefined
  readonly start: () => Promise<AsyncDisposable & { readonly create: () => Promise<string> }>
  readonly query: (url: string, sql: string) => Promise<readonly Record<string, unknown>[]>
  /** Inserts rows with parameters. */
  readonly insert: (url: string, table: string, rows: readonly Record<string, unknown>[]) => Promise<void>
}

export const engines: readonly Engine[] = [
  { type: 'postgres', missing: postgresMissing, start: startPostgres, query: queryPostgres, insert: insertPostgres },
  { type: 'mysql', missing: mysqlMissing, start: startMysql, query: queryMysql, insert: insertMysql },
]

/** The tables that hold registrations. */
export const tables = ['roster_meta', 'roster_registrations', 'roster_deletions', 'roster_beats']

async function insertPostgres(url: string, table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
  const values = JSON.stringify(rows).replaceAll("'", "''")
  if (rows.length > 0)
    await queryPostgres(url, `INSERT INTO ${table} SELECT * FROM json_populate_recordset(null::${table}, '${values}')`)
}

async function insertMysql(url: string, table: string, rows: readonly Record<string, unknown>[]): Promise<void> {
  const connection = await createConnection(url)
  for (const row of rows) await connection.query(`INSERT INTO ${table} SET ?`, [row])
  await connection.end()
}
