import { Client, type ClientConfig, DatabaseError, Pool, type PoolClient } from 'pg'
import type { Log } from '../../log.ts'
import type { ConnectionSettings } from '../sql/connection-settings.ts'
import { StoreRefusal, StoreUnavailable } from '../store.ts'

export type PostgresRun = (query: {
  text: string
  values?: readonly unknown[]
  name?: string
}) => Promise<readonly Record<string, unknown>[]>
export type PostgresPool = Awaited<ReturnType<typeof openPostgresPool>>

export type PoolOptions = { readonly size: number; readonly timeoutMs: number; readonly log: Log }

/** Attempts of a transaction that the database asks to retry. */
const maxAttempts = 5

/** A pool of connections, which translates failures into `StoreUnavailable` and `StoreRefusal`. */
export async function openPostgresPool(address: ConnectionSettings, { size, timeoutMs, log }: PoolOptions) {
  let options = optionsOf(address, timeoutMs)
  if (address.tlsOptional && !(await hasTls(options))) options = { ...options, ssl: false }
  const pool = new Pool({ ...options, max: size, idleTimeoutMillis: 60_000 })
  // A connection that breaks in use rejects the query too. Without a listener the event would end the process.
  pool.on('connect', (client) => void client.on('error', () => {}))
  // An idle connection broke; the next query opens a new one.
  pool.on('error', (error) => log.debug({ reason: error.message }, 'idle database connection broke'))

  async function withClient<T>(work: (run: PostgresRun, client: PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch((error: unknown) => {
      throw postgresProblem(error, address)
    })
    let broken: Error | boolean = true
    try {
      const result = await work(
        async (query) =>
          (await client.query({ ...query, values: [...(query.values ?? [])] })).rows as Record<string, unknown>[],
        client,
      )
      broken = false
      return result
    } catch (error) {
      const problem = postgresProblem(error, address)
      // After an error of the database the connection is usable; after any other its state is unknown.
      if (error instanceof DatabaseError && !(problem instanceof StoreUnavailable)) broken = false
      throw problem
    } finally {
      client.release(broken)
    }
  }

  const run: PostgresRun = (query) => withClient((run) => run(query))

  /** Runs `work` in a transaction that is on disk when this resolves; repeats it where the database asks for a retry. */
  async function transaction<T>(begin: string, work: (run: PostgresRun) => Promise<T>, end = ''): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await withClient((run, client) => inTransaction(client, begin, end, () => work(run)))
      } catch (error) {
        if (attempt === maxAttempts || !(error instanceof Error) || !isRetried(error.cause)) throw error
      }
    }
  }

  return { run, transaction, options, close: () => pool.end() }
}

async function inTransaction<T>(client: PoolClient, begin: string, end: string, work: () => Promise<T>): Promise<T> {
  try {
    // Several statements in one round trip. Registrations are durable even where the server's default is not.
    await client.query(
      `BEGIN; ${begin}; SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'`,
    )
    const result = await work()
    await client.query(`${end}; COMMIT`)
    return result
  } catch (error) {
    if (error instanceof DatabaseError) await client.query('ROLLBACK').catch(() => {})
    throw error
  }
}

function optionsOf({ host, port, database, user, password, tls }: ConnectionSettings, timeoutMs: number): ClientConfig {
  return {
    host,
    port,
    database,
    ssl: tls ?? false,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
    // The locks of a daemon that the network lost in a transaction would hold up all others.
    idle_in_transaction_session_timeout: timeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    application_name: 'mcp-roster',
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
  }
}

async function hasTls(options: ClientConfig): Promise<boolean> {
  const client = new Client(options)
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch (error) {
    return !(error instanceof Error && error.message.includes('does not support SSL'))
  } finally {
    await client.end().catch(() => {})
  }
}

/** Serialization failure and deadlock: the database asks for a retry. */
function isRetried(error: unknown): boolean {
  return error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01')
}

/** Connection, resources, shutdown, read-only, disk, timeout, retries exhausted; no table: an empty database took the place. */
const transientCodes = /^(08|53|57|58|40|25006|55P03|XX00|42P01)/

/** Wrong user or password, missing database, missing rights. */
const deniedCodes = /^(28|3D|42501)/

/** Translates a failure. One without an error code of the database is about the connection. */
export function postgresProblem(error: unknown, { label, tls }: Pick<ConnectionSettings, 'label' | 'tls'>): Error {
  if (!(error instanceof Error) || error instanceof StoreUnavailable || error instanceof StoreRefusal)
    return error as Error
  // An error in this program is not an outage.
  if (error instanceof TypeError || error instanceof RangeError) return error
  if (!(error instanceof DatabaseError)) {
    const code = 'code' in error ? String(error.code) : error.message
    return new StoreUnavailable(`${label} cannot be reached${tls ? ' (over TLS)' : ''}: ${code || error.message}`, {
      cause: error,
    })
  }
  const { code = '', message } = error
  if (deniedCodes.test(code)) {
    const remedy = 'check user, password, name and rights'
    return new StoreUnavailable(`${label} denied access: ${message}; ${remedy}`, { retry_after: 30, cause: error })
  }
  if (transientCodes.test(code))
    return new StoreUnavailable(`${label} cannot be used now: ${message}`, { cause: error })
  return new Error(`${label}: ${message} (${code})`, { cause: error })
}

/** At start, a denied access is final, not an outage. */
export function toPostgresRefusal(error: unknown): unknown {
  if (!(error instanceof StoreUnavailable && error.cause instanceof DatabaseError)) return error
  return deniedCodes.test(error.cause.code ?? '') ? new StoreRefusal(error.message, { cause: error.cause }) : error
}
