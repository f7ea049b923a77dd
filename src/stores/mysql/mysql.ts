import type { Log } from '../../log.ts'
import { type Address, addressOf } from '../address.ts'
import type { RemoteStore } from '../config.ts'
import { createStore } from '../front.ts'
import { type Inspected, metaRows, pending, schemaIn } from '../migrations.ts'
import { createRemote } from '../remote.ts'
import { type Store, StoreUnavailable } from '../store.ts'
import { createDialect } from './dialect.ts'
import { migrations } from './migrations.ts'
import { asRefusal, openPool, type Run } from './pool.ts'

/** Opens a store in a MySQL or MariaDB database, which several replicas may share. */
export async function openMysql({ config, log }: { config: RemoteStore; log: Log }): Promise<Store> {
  const address = addressOf(config)
  const pool = await openPool(address, { size: config.pool_size, timeoutMs: config.timeout * 1000, log })
  try {
    const packet = await pool.run((run) => prepare(run, address, log))
    const backend = createRemote({ dialect: createDialect(pool, packet), pollMs: config.poll * 1000 })
    return createStore({ type: 'mysql', backend, log })
  } catch (error) {
    await pool.close()
    throw asRefusal(error)
  }
}

/** Looks before it touches, and brings the schema up to date under a lock that replicas starting at once wait for. */
async function prepare(run: Run, { label }: Address, log: Log): Promise<number> {
  const [server] = await run('SELECT @@max_allowed_packet AS packet, @@innodb_flush_log_at_trx_commit AS flush')
  if (Number(server?.['flush']) !== 1) {
    log.warn({ store: label }, 'innodb_flush_log_at_trx_commit is not 1: a crash of the database loses registrations')
  }
  if (pending(migrations, await inspect(run), label).length > 0) await migrate(run, label)
  // Heartbeats of agents that went while nobody looked.
  await run(`DELETE FROM roster_beats WHERE name NOT IN (SELECT id FROM roster_registrations WHERE kind = 'agent')`)
  return Math.floor(Number(server?.['packet']) * 0.9)
}

async function migrate(run: Run, label: string): Promise<void> {
  const lock = "CONCAT('roster ', LEFT(MD5(DATABASE()), 16))"
  const [taken] = await run(`SELECT GET_LOCK(${lock}, 5) AS taken`)
  if (Number(taken?.['taken']) !== 1) throw new StoreUnavailable(`${label} is being migrated by another mcp-roster`)
  try {
    for (const migration of pending(migrations, await inspect(run), label)) {
      for (const statement of migration) await run(statement)
    }
    await run("REPLACE INTO roster_meta VALUES ('schema', ?)", [String(migrations.length)])
  } finally {
    await run(`DO RELEASE_LOCK(${lock})`)
  }
}

async function inspect(run: Run): Promise<Inspected> {
  const rows = await run('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()')
  const tables = rows.map(({ name }) => String(name))
  if (!tables.includes('roster_meta')) return { tables, schema: undefined }
  const meta = await run(metaRows)
  // Without one a first start was cut short; its statements bear being run again.
  return { tables, schema: schemaIn(meta, 'name') ?? (meta.every((row) => 'name' in row) ? 0 : undefined) }
}
