import { isIP } from 'node:net'
import { createPool, type Pool, type PoolConnection, type PoolOptions, type ResultSetHeader } from 'mysql2/promise'
import type { Log } from '../../log.ts'
import type { ConnectionSettings } from '../sql/connection-settings.ts'
import { StoreRefusal, StoreUnavailable } from '../store.ts'

export type MysqlRow = Record<string, unknown>
/** Runs one statement with escaped `values`; a list of lists becomes rows. */
export type MysqlRun = {
  (sql: string, values?: readonly unknown[]): Promise<readonly MysqlRow[]>
  readonly write: (sql: string, values?: readonly unknown[]) => Promise<ResultSetHeader>
}
export type MysqlPool = Awaited<ReturnType<typeof openMysqlPool>>

/** Attempts of a transaction that the database asks to retry. */
const maxAttempts = 5

/** A pool of connections with one setup, which translates failures into `StoreUnavailable` and `StoreRefusal`. */
export async function openMysqlPool(
  address: ConnectionSettings,
  { size, timeoutMs, log }: { size: number; timeoutMs: number; log: Log },
) {
  const options = optionsOf(address, size, timeoutMs)
  const withTls = address.tlsOptional && !(await hasTls(options)) ? { ...options, ssl: undefined } : options
  const { ssl, ...plain } = withTls
  const pool: Pool = createPool(ssl === undefined ? plain : { ...plain, ssl })
  const ready = new WeakSet<object>()

  async function withConnection<T>(work: (run: MysqlRun, connection: PoolConnection) => Promise<T>): Promise<T> {
    const connection = await pool.getConnection().catch((error: unknown) => {
      throw mysqlProblem(error, address)
    })
    const run = runOn(connection, timeoutMs)
    let broken = true
    try {
      if (!ready.has(connection.connection)) await setUp(run, timeoutMs)
      ready.add(connection.connection)
      const result = await work(run, connection)
      broken = false
      return result
    } catch (error) {
      const problem = mysqlProblem(error, address)
      // After an error of the database the connection is usable; after any other its state is unknown.
      if (isFromServer(error) && !(problem instanceof StoreUnavailable)) broken = false
      throw problem
    } finally {
      if (broken) connection.destroy()
      else connection.release()
    }
  }

  /** Runs `work` in a transaction that is committed when this resolves; repeats it where the database asks for a retry. */
  async function transaction<T>(work: (run: MysqlRun) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await withConnection((run) => inTransaction(run, work))
      } catch (error) {
        if (attempt === maxAttempts || !(error instanceof Error) || !isRetried(error.cause)) throw error
        log.debug({ attempt }, 'transaction retried at the request of the database')
      }
    }
  }

  return {
    run: <T>(work: (run: MysqlRun) => Promise<T>) => withConnection(work),
    transaction,
    close: () => pool.end(),
  }
}

function runOn(connection: PoolConnection, timeout: number): MysqlRun {
  const run = async (sql: string, values: readonly unknown[] = []) => {
    const [rows] = await connection.query({ sql, timeout, values: [...values] })
    return rows
  }
  return Object.assign(run as (sql: string) => Promise<readonly MysqlRow[]>, {
    write: run as unknown as MysqlRun['write'],
  })
}

/** Strict mode rejects a value that is too long. Backslashes escape, as the driver assumes. */
async function setUp(run: MysqlRun, timeoutMs: number): Promise<void> {
  await run('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  await run(
    "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1, innodb_lock_wait_timeout = ?",
    [Math.max(1, Math.floor(timeoutMs / 1000))],
  )
  // The locks of a daemon that the network lost in a transaction would hold up all others. MySQL has no such setting.
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000))
  await run('SET SESSION idle_transaction_timeout = ?', [seconds]).catch((error: unknown) => {
    if (!isRejectedStatement(error)) throw error
  })
}

async function inTransaction<T>(run: MysqlRun, work: (run: MysqlRun) => Promise<T>): Promise<T> {
  await run('START TRANSACTION')
  try {
    const result = await work(run)
    await run('COMMIT')
    return result
  } catch (error) {
    if (isFromServer(error)) await run('ROLLBACK').catch(() => {})
    throw error
  }
}

/** For an IP address, the driver would compare the certificate with "localhost". */
function isIdentityChecked({ host, tls, label }: ConnectionSettings): boolean {
  const isChecked = tls !== undefined && tls.rejectUnauthorized && !tls.checkServerIdentity
  if (isChecked && isIP(host) !== 0) {
    throw new StoreRefusal(`${label} cannot be verified over TLS by its IP address: use the host name, or verify-ca`)
  }
  return isChecked
}

function optionsOf(address: ConnectionSettings, size: number, timeoutMs: number): PoolOptions {
  const { host, port, database, user, password, tls } = address
  return {
    ...(host.startsWith('/') ? { socketPath: host } : { host, port }),
    database,
    charset: 'utf8mb4_bin',
    supportBigNumbers: true,
    bigNumberStrings: true,
    connectTimeout: timeoutMs,
    connectionLimit: size,
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(tls && { ssl: { ...tls, verifyIdentity: isIdentityChecked(address) } }),
  }
}

async function hasTls(options: PoolOptions): Promise<boolean> {
  const pool = createPool({ ...options, connectionLimit: 1 })
  try {
    ;(await pool.getConnection()).release()
    return true
  } catch (error) {
    return codeOf(error) !== 'HANDSHAKE_NO_SSL_SUPPORT'
  } finally {
    await pool.end().catch(() => {})
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? (error.code as string) : undefined
}

function numberOf(error: unknown): number {
  return error instanceof Error && 'sqlState' in error && 'errno' in error ? Number(error.errno) : 0
}

function isFromServer(error: unknown): boolean {
  return numberOf(error) >= 1000
}

/** Deadlock and lock timeout. */
function isRetried(error: unknown): boolean {
  return numberOf(error) === 1213 || numberOf(error) === 1205
}

/** Connections, memory, disk, shutdown, read-only, timeouts, no table (an empty database took the place): failures that may pass. */
const transientCodes = new Set([
  1021, 1026, 1030, 1037, 1038, 1040, 1041, 1053, 1077, 1079, 1080, 1114, 1129, 1146, 1158, 1159, 1160, 1161, 1203,
  1205, 1213, 1290, 1317, 1792, 1836, 1927, 1969, 3024, 4031,
])
/** Wrong user or password, missing database, missing rights. */
const deniedCodes = new Set([1044, 1045, 1049, 1142, 1227])

/** Translates a failure. One without an error number of the database is about the connection. */
export function mysqlProblem(error: unknown, { label, tls }: Pick<ConnectionSettings, 'label' | 'tls'>): Error {
  if (!(error instanceof Error) || error instanceof StoreUnavailable || error instanceof StoreRefusal)
    return error as Error
  const number = numberOf(error)
  if (deniedCodes.has(number)) {
    const remedy = 'check user, password, name and rights'
    return new StoreUnavailable(`${label} denied access: ${error.message}; ${remedy}`, {
      retry_after: 30,
      cause: error,
    })
  }
  if (transientCodes.has(number))
    return new StoreUnavailable(`${label} cannot be used now: ${error.message}`, { cause: error })
  // An error in this program has no code, and is not an outage.
  const code = codeOf(error)
  if (number === 0 && code !== undefined) {
    return new StoreUnavailable(`${label} cannot be reached${tls ? ' (over TLS)' : ''}: ${code}`, {
      cause: error,
    })
  }
  return new Error(`${label}: ${error.message}`, { cause: error })
}

/** Whether the server rejected a statement for good: a missing right, or a function that it does not have. */
export function isRejectedStatement(error: unknown): error is Error {
  return isFromServer(error) && !transientCodes.has(numberOf(error))
}

/** At start, a denied access is final, not an outage. */
export function toMysqlRefusal(error: unknown): unknown {
  if (!(error instanceof StoreUnavailable) || !deniedCodes.has(numberOf(error.cause))) return error
  return new StoreRefusal(error.message, { cause: error.cause })
}
