import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createConnection } from 'mysql2/promise'
import { freePort } from './port.ts'

const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']

function find(...names: readonly string[]): string | undefined {
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path))
}

const server = find('mariadbd', 'mysqld')
const installer = find('mariadb-install-db', 'mysql_install_db')

/** Why neither MariaDB nor MySQL can run here; undefined where one can. */
export function mysqlMissing(): string | undefined {
  return server === undefined ? 'neither mariadbd nor mysqld is installed (Debian: mariadb-server)' : undefined
}

const password = 'se:cr/et@1'

/** Runs MariaDB or MySQL in a temporary folder; a test may stop and start it repeatedly. */
export async function startMysql(flags: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), 'roster-my-'))
  chmodSync(folder, 0o755)
  const data = join(folder, 'data')
  const port = await freePort()
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  const quiet = { stdio: 'ignore' } as const
  if (installer) {
    execFileSync(
      installer,
      ['--no-defaults', `--datadir=${data}`, '--auth-root-authentication-method=normal', ...user],
      quiet,
    )
  } else execFileSync(server!, ['--no-defaults', `--datadir=${data}`, '--initialize-insecure', ...user], quiet)

  let running: ChildProcess | undefined
  async function start(): Promise<void> {
    const socket = join(folder, 'socket')
    running = spawn(
      server!,
      [
        '--no-defaults',
        `--datadir=${data}`,
        `--port=${port}`,
        `--socket=${socket}`,
        '--bind-address=127.0.0.1',
        ...flags,
        ...user,
      ],
      quiet,
    )
    await untilReachable(port)
  }
  async function stop(): Promise<void> {
    const stopping = running
    running = undefined
    if (!stopping) return
    stopping.kill('SIGTERM')
    await once(stopping, 'exit')
  }

  await start()
  await query(`mysql://root@127.0.0.1:${port}/mysql`, `CREATE USER roster@'127.0.0.1' IDENTIFIED BY '${password}'`)
  await query(`mysql://root@127.0.0.1:${port}/mysql`, `GRANT ALL ON *.* TO roster@'127.0.0.1'`)
  const urlOf = (name: string) => `mysql://roster:${encodeURIComponent(password)}@127.0.0.1:${port}/${name}`
  let databases = 0

  /** Creates a database and returns its URL. */
  async function create(): Promise<string> {
    const name = `test_${(databases += 1)}`
    await query(urlOf('mysql'), `CREATE DATABASE ${name}`)
    return urlOf(name)
  }

  return {
    create,
    start,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilReachable(port: number): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const connection = await createConnection({ host: '127.0.0.1', port, user: 'missing', password: 'x' })
      await connection.end()
      return
    } catch (error) {
      // Access denied: the server listens.
      if (error instanceof Error && 'errno' in error && error.errno === 1045) return
      if (attempt > 300) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

export async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const connection = await createConnection(url)
  try {
    const [rows] = await connection.query(text)
    return rows as Record<string, unknown>[]
  } finally {
    await connection.end()
  }
}

/** Executes a statement in a transaction that stays open; the result commits it. */
export async function holdAt(url: string, text: string): Promise<() => Promise<void>> {
  const connection = await createConnection(url)
  await connection.beginTransaction()
  await connection.query(text)
  return async () => {
    await connection.commit()
    await connection.end()
  }
}
