import { randomUUID } from 'node:crypto'
import type { Log } from '../../log.ts'
import type { ServerStoreConfig } from '../config.ts'
import type { WakeFollowers } from '../driver.ts'
import { createStorePipeline } from '../pipeline/store-pipeline.ts'
import { type ConnectionSettings, connectionSettings } from '../sql/connection-settings.ts'
import { type DatabaseContents, metaQuery, pendingMigrations, schemaVersion } from '../sql/pending-migrations.ts'
import { createServerDriver } from '../sql/server-driver.ts'
import { type Store, StoreRefusal, StoreUnavailable } from '../store.ts'
import { createPostgresDialect } from './dialect.ts'
import { postgresMigrations } from './migrations.ts'
import { listenForNotifications } from './notification-listener.ts'
import { toPostgresRefusal, type PostgresPool, openPostgresPool, type PostgresRun } from './pool.ts'

/** Opens a store in a PostgreSQL database, which several replicas may share. */
export async function openPostgres({ config, log }: { config: ServerStoreConfig; log: Log }): Promise<Store> {
  const address = connectionSettings(config)
  const pool = await openPostgresPool(address, { size: config.max_pool_size, timeoutMs: config.timeout * 1000, log })
  let server: string
  try {
    await prepare(pool, address, log)
    server = await serverExpression(pool.run)
  } catch (error) {
    await pool.close()
    throw toPostgresRefusal(error)
  }
  const writer = randomUUID()
  let listener: ReturnType<typeof listenForNotifications> | undefined
  const onNotify = () => listener?.expectNotice()
  const base = createPostgresDialect(pool, { writer, server, onNotify })
  const dialect = {
    ...base,
    // An empty database may have taken the place of the one before.
    touch: async () => {
      await prepare(pool, address, log)
      await base.touch()
    },
    listen: (wake: WakeFollowers) => {
      listener = listenForNotifications({ options: pool.options, writer, wake, log })
      return listener.stop
    },
  }
  const driver = createServerDriver({ dialect, writer, pollMs: config.poll * 1000 })
  return createStorePipeline({ type: 'postgres', driver, log })
}

/** The system identifier and the timeline, which changes at every failover; nothing where a service hides them. */
async function serverExpression(run: PostgresRun): Promise<string> {
  const timeline =
    "CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE left(pg_walfile_name(pg_current_wal_lsn()), 8) END"
  const expression = `(SELECT system_identifier || '/' || ${timeline} FROM pg_control_system())`
  const isUsable = await run({ text: `SELECT ${expression} AS server` }).then(
    () => true,
    (error: unknown) => {
      if (error instanceof StoreUnavailable) throw error
      return false
    },
  )
  return isUsable ? expression : "''"
}

/** Inspects the database, then migrates it under a lock, so that replicas starting together wait for each other. */
async function prepare(pool: PostgresPool, { label }: ConnectionSettings, log: Log): Promise<void> {
  const [server] = await pool.run({
    text: "SELECT current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync",
  })
  if (server?.['encoding'] !== 'UTF8') {
    throw new StoreRefusal(`${label} has the encoding ${String(server?.['encoding'])}: create it with ENCODING 'UTF8'`)
  }
  if (server['fsync'] === 'off')
    log.warn({ store: label }, 'database not durable: fsync is off, so a crash of its machine loses registrations')
  if (pendingMigrations(postgresMigrations, await inspect(pool.run), label).length === 0) return
  // The lock number is arbitrary but must be unique: "roster" as bytes.
  await pool.transaction('SELECT pg_advisory_xact_lock(125822310114674)', async (run) => {
    for (const migration of pendingMigrations(postgresMigrations, await inspect(run), label))
      await run({ text: migration })
    await run({
      text: "INSERT INTO roster_meta VALUES ('schema', $1) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      values: [String(postgresMigrations.length)],
    })
  })
}

/** Tables and views in the current schema, except those of extensions. */
async function inspect(run: PostgresRun): Promise<DatabaseContents> {
  const rows = await run({
    text: `SELECT relname FROM pg_class c
           WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
             AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')`,
  })
  const tables = rows.map(({ relname }) => String(relname))
  if (!tables.includes('roster_meta')) return { tables, schema: undefined }
  return { tables, schema: schemaVersion(await run({ text: metaQuery }), 'key') }
}
