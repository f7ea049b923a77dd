import type { Log } from '../../log.ts'
import type { ServerStoreConfig } from '../config.ts'
import { createStorePipeline } from '../pipeline/store-pipeline.ts'
import { type ConnectionSettings, connectionSettings } from '../sql/connection-settings.ts'
import { type DatabaseContents, metaQuery, pendingMigrations, schemaVersion } from '../sql/pending-migrations.ts'
import { createServerDriver } from '../sql/server-driver.ts'
import { type Store, StoreUnavailable } from '../store.ts'
import { createAgentsView } from './agents-view.ts'
import { createMysqlDialect } from './dialect.ts'
import { mysqlMigrations } from './migrations.ts'
import { toMysqlRefusal, openMysqlPool, type MysqlRun } from './pool.ts'

/** Opens a store in a MySQL or MariaDB database, which several replicas may share. */
export async function openMysql({ config, log }: { config: ServerStoreConfig; log: Log }): Promise<Store> {
  const address = connectionSettings(config)
  const pool = await openMysqlPool(address, { size: config.max_pool_size, timeoutMs: config.timeout * 1000, log })
  try {
    const opened = await pool.run((run) => prepare(run, address, log))
    const base = createMysqlDialect(pool, opened)
    const dialect = {
      ...base,
      // An empty database may have taken the place of the one before.
      touch: async () => {
        await pool.run((run) => prepare(run, address, log))
        await base.touch()
      },
    }
    const driver = createServerDriver({ dialect, pollMs: config.poll * 1000 })
    return createStorePipeline({ type: 'mysql', driver, log })
  } catch (error) {
    await pool.close()
    throw toMysqlRefusal(error)
  }
}

/** Inspects the database, then migrates it under a lock, so that replicas starting together wait for each other. */
async function prepare(run: MysqlRun, { label }: ConnectionSettings, log: Log) {
  const [server] = await run(
    'SELECT @@max_allowed_packet AS packet, @@innodb_flush_log_at_trx_commit AS flush, VERSION() AS version',
  )
  if (Number(server?.['flush']) !== 1) {
    log.warn(
      { store: label },
      'database not durable: innodb_flush_log_at_trx_commit is not 1, so a crash of it loses registrations',
    )
  }
  const contents = await inspect(run)
  if (pendingMigrations(mysqlMigrations, contents, label).length > 0) await migrate(run, label)
  if (!contents.tables.includes('agents')) await createAgentsView(run, label, log)
  // Heartbeats of agents that were deleted without their heartbeats.
  await run(`DELETE FROM roster_beats WHERE name NOT IN (SELECT id FROM roster_registrations WHERE kind = 'agent')`)
  const isMariadb = /mariadb/i.test(String(server?.['version']))
  return {
    maxPacket: Math.floor(Number(server?.['packet']) * 0.9),
    // MariaDB has no identity of its own: the place where it runs stands for it.
    server: isMariadb ? "CONCAT_WS(' ', @@hostname, @@port, @@datadir)" : '@@server_uuid',
  }
}

async function migrate(run: MysqlRun, label: string): Promise<void> {
  const lock = "CONCAT('roster ', LEFT(MD5(DATABASE()), 16))"
  const [row] = await run(`SELECT GET_LOCK(${lock}, 5) AS acquired`)
  if (Number(row?.['acquired']) !== 1) throw new StoreUnavailable(`${label} is being migrated by another mcp-roster`)
  try {
    for (const migration of pendingMigrations(mysqlMigrations, await inspect(run), label)) {
      for (const statement of migration) await run(statement)
    }
    await run("REPLACE INTO roster_meta VALUES ('schema', ?)", [String(mysqlMigrations.length)])
  } finally {
    await run(`DO RELEASE_LOCK(${lock})`)
  }
}

async function inspect(run: MysqlRun): Promise<DatabaseContents> {
  const rows = await run('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()')
  const tables = rows.map(({ name }) => String(name))
  if (!tables.includes('roster_meta')) return { tables, schema: undefined }
  const meta = await run(metaQuery)
  // Without a version the first start was interrupted; its statements are repeatable.
  return { tables, schema: schemaVersion(meta, 'name') ?? (meta.every((row) => 'name' in row) ? 0 : undefined) }
}
