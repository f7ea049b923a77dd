import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { openSqlite } from '../../../src/stores/sqlite/sqlite.ts'
import type { Store } from '../../../src/stores/store.ts'
import { testAgentsView } from '../../contracts/agents-view.ts'
import { createTestLog } from '../../test-log.ts'
import { changesUntil, put, registrationIn, typesOf, until } from '../builders.ts'

const open = (path: string) => openSqlite({ path, log: silent })
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

describe('the file of a SQLite store', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'roster-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is readable by its owner only, and so are its new folders', async () => {
    const path = join(folder, 'deep', 'state', 'roster.db')
    await using store = await open(path)
    await store.commit([put()])

    assert.equal(modeOf(join(folder, 'deep')), '700')
    assert.equal(modeOf(join(folder, 'deep', 'state')), '700')
    for (const name of readdirSync(join(folder, 'deep', 'state')))
      assert.equal(modeOf(join(folder, 'deep', 'state', name)), '600', name)
  })

  it('loses the read permission of others at start', async () => {
    const path = join(folder, 'roster.db')
    await (await open(path))[Symbol.asyncDispose]()
    chmodSync(path, 0o644)

    await using _ = await open(path)

    assert.equal(modeOf(path), '600')
  })

  it('holds a commit before the commit is acknowledged', async () => {
    const path = join(folder, 'roster.db')
    await using store = await open(path)
    await store.commit([put({ name: 'there' })])

    const reader = new DatabaseSync(path, { readOnly: true })
    assert.equal(reader.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal')
    assert.equal(reader.prepare("SELECT count(*) AS n FROM roster_registrations WHERE name = 'there'").get()?.['n'], 1)
    reader.close()
  })

  const refusals: [string, (path: string) => void, RegExp][] = [
    [
      'a database of the original mesh registry',
      (path) => execute(path, 'CREATE TABLE agents (id TEXT PRIMARY KEY); CREATE TABLE capabilities (id INTEGER)'),
      /original mesh registry.*left untouched.*mcp-roster import/s,
    ],
    [
      'a foreign database',
      (path) => execute(path, 'CREATE TABLE bookmarks (url TEXT)'),
      /other tables \(bookmarks\).*untouched/s,
    ],
    [
      'a database of a newer mcp-roster',
      (path) =>
        execute(
          path,
          "CREATE TABLE roster_meta (key TEXT, value TEXT); INSERT INTO roster_meta VALUES ('schema', '999')",
        ),
      /newer mcp-roster \(schema 999/,
    ],
    [
      'a database without a schema version',
      (path) => execute(path, 'CREATE TABLE roster_meta (key TEXT, value TEXT)'),
      /without a schema version/,
    ],
    [
      'a foreign database with a table of the same name',
      (path) => execute(path, "CREATE TABLE roster_meta (member TEXT); INSERT INTO roster_meta VALUES ('Ann')"),
      /without a schema version.*database of its own/,
    ],
    [
      'a database of views',
      (path) => execute(path, 'CREATE VIEW agents AS SELECT 1'),
      /other tables \(agents\).*untouched/s,
    ],
    [
      'a file of another format',
      (path) => writeFileSync(path, 'name: weather\n'.repeat(1000)),
      /not a SQLite database.*untouched/s,
    ],
  ]
  for (const [what, make, reason] of refusals) {
    it(`is refused and left untouched when it is ${what}`, async () => {
      const path = join(folder, 'roster.db')
      make(path)
      chmodSync(path, 0o640)
      const before = hashOf(path)

      await assert.rejects(open(path), (error: Error) => error.name === 'StoreRefusal' && reason.test(error.message))

      assert.equal(hashOf(path), before)
      assert.equal(modeOf(path), '640')
      assert.deepEqual(readdirSync(folder), ['roster.db'])
    })
  }

  it('is refused with a remedy when it is damaged', async () => {
    const path = join(folder, 'roster.db')
    const store = await open(path)
    await store.commit(Array.from({ length: 500 }, (_, n) => put({ name: `a-${n}` })))
    await store[Symbol.asyncDispose]()
    const bytes = readFileSync(path)
    bytes.fill(0xff, 4096 * 3, 4096 * 20)
    writeFileSync(path, bytes)

    await assert.rejects(open(path), /damaged.*restore a backup/s)
  })

  it('is refused when it is truncated', async () => {
    const path = join(folder, 'roster.db')
    const store = await open(path)
    await store.commit(Array.from({ length: 500 }, (_, n) => put({ name: `a-${n}` })))
    await store[Symbol.asyncDispose]()
    truncateSync(path, 4096 * 5 + 100)

    await assert.rejects(open(path), { name: 'StoreRefusal' })
  })

  it('is refused where it has no bytes but was written before: its content is lost', async () => {
    const path = join(folder, 'roster.db')
    await using store = await open(path)
    await store.commit([put()])
    await store[Symbol.asyncDispose]()
    truncateSync(path)
    const later = new Date(Date.now() + 60_000)
    utimesSync(path, later, later)

    await assert.rejects(open(path), {
      name: 'StoreRefusal',
      message: /is empty, but was written before.*restore a backup/s,
    })

    assert.equal(statSync(path).size, 0)
    rmSync(path)
    writeFileSync(path, '')
    writeFileSync(`${path}-wal`, 'log')
    await assert.rejects(open(path), { name: 'StoreRefusal', message: /is empty, but was written before/ })
  })

  it('of another running daemon is said once, at the start of the second', async () => {
    const path = join(folder, 'roster.db')
    const [first, second, command] = [createTestLog(), createTestLog(), createTestLog()]
    await using one = await openSqlite({ path, log: first.log, isDaemon: true })
    await one.commit([put()])
    await using other = await openSqlite({ path, log: second.log, isDaemon: true })
    await using _ = await openSqlite({ path, log: command.log })

    const said = (lines: readonly { msg?: unknown }[]) =>
      lines.filter(({ msg }) => /another daemon/.test(String(msg))).length
    assert.deepEqual([said(first.lines()), said(second.lines()), said(command.lines())], [0, 1, 0])
    await other.commit([put({ name: 'of-the-second' })])
    assert.equal((await one.load()).registrations.length, 2)
    await one[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()

    const third = createTestLog()
    await (await openSqlite({ path, log: third.log, isDaemon: true }))[Symbol.asyncDispose]()
    assert.equal(said(third.lines()), 0)
  })

  it('is created in an empty file, and refused where the path is a folder or cannot be created', async () => {
    writeFileSync(join(folder, 'empty.db'), '')
    await (await open(join(folder, 'empty.db')))[Symbol.asyncDispose]()

    await assert.rejects(open(folder), /not a file/)
    await assert.rejects(open(join(folder, 'empty.db', 'below.db')), { name: 'StoreUnavailable' })
    await assert.rejects(open('/proc/roster/roster.db'), { name: 'StoreUnavailable' })
  })

  it('is not created by a command that only reads', async () => {
    const path = join(folder, 'roster.db')
    await assert.rejects(openSqlite({ path, log: silent, mustExist: true }), /no store found at/)
    assert.ok(!existsSync(path))
  })

  it('gives a snapshot to a follower whose cursor is before a pruned deletion', async () => {
    const path = join(folder, 'roster.db')
    await using store = await open(path)
    await store.commit([put({ name: 'stays' }), put({ name: 'goes' })])
    const { resource_version: since } = await store.load()
    await store.commit([{ type: 'delete', kind: 'agent', namespace: 'default', name: 'goes', expect: 'any' }])
    execute(path, "DELETE FROM roster_deletions; UPDATE roster_meta SET value = '3' WHERE key = 'forgotten'")

    const [change] = await changesUntil(store, since, (all) => all.length > 0)

    assert.ok(change?.type === 'snapshot')
    assert.deepEqual(
      change.snapshot.registrations.map(({ name }) => name),
      ['stays'],
    )
  })

  it('stays empty until a process stores something', async () => {
    const path = join(folder, 'empty.db')
    await using one = await open(path)
    await using other = await open(path)
    assert.deepEqual((await one.load()).registrations, [])
    assert.equal(statSync(path).size, 0)

    await one.commit([put()])

    assert.ok(statSync(path).size > 0)
    assert.equal((await other.load()).registrations.length, 1)
  })

  testAgentsView({
    make: async () => {
      const path = join(folder, 'roster.db')
      const query = async (sql: string) => {
        const reader = new DatabaseSync(path, { readOnly: true })
        const rows = reader.prepare(sql).all()
        reader.close()
        return rows
      }
      return { store: await open(path), query }
    },
  })

  it('has a view of the agents with the columns of the original mesh registry', async () => {
    const path = join(folder, 'roster.db')
    await using store = await open(path)
    const definition = JSON.stringify({
      definition: {
        name: 'weather',
        labels: { env: 'prod' },
        capabilities: [{ name: 'forecast' }, { name: 'alerts' }],
      },
      facts: { name: 'Weather', endpoint: 'http://w/', agent_type: 'worker' },
    })
    const [outcome] = await store.commit([
      put({ definition, namespace: 'prod' }),
      put({ kind: 'manual', name: 'no-agent' }),
    ])
    store.recordHeartbeats([{ name: 'weather', age_ms: 61_000, timeout: 0 }])
    await until(() => store.state().pending.heartbeats === 0)

    const reader = new DatabaseSync(path, { readOnly: true })
    const rows = reader.prepare('SELECT * FROM agents').all()
    reader.close()

    assert.equal(rows.length, 1)
    const { created_at, updated_at, last_heartbeat, last_seen, ...row } = { ...rows[0] }
    assert.deepEqual(row, {
      id: 'weather',
      name: 'Weather',
      namespace: 'prod',
      endpoint: 'http://w/',
      status: 'unhealthy',
      labels: '{"env":"prod"}',
      annotations: '{}',
      resource_version: registrationIn(outcome).resource_version,
      health_interval: 30,
      timeout_threshold: 60,
      eviction_threshold: 120,
      agent_type: 'worker',
      config: '{}',
      security_context: null,
      dependencies: '[]',
      capability: 'forecast,alerts',
    })
    assert.equal(last_seen, last_heartbeat)
    assert.equal(created_at, registrationIn(outcome).created_at)
    assert.equal(updated_at, registrationIn(outcome).updated_at)
    assert.ok(Math.abs(Date.parse(String(last_heartbeat)) + 61_000 - Date.now()) < 5000)
  })
})

/** Mounts a small file system that a test can fill; undefined where mounting is not permitted. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'roster-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m,mode=700', 'roster-test', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
}

describe('a SQLite store on a failing disk', () => {
  let disk: string | undefined
  let store: Store

  before(async () => {
    disk = smallDisk()
    if (disk !== undefined) store = await open(join(disk, 'roster.db'))
  })
  after(async () => {
    if (disk === undefined) return
    await store[Symbol.asyncDispose]()
    execFileSync('umount', [disk])
    rmSync(disk, { recursive: true })
  })

  it('rejects registrations while the disk is full, loses none, and recovers when there is room', async (test) => {
    if (disk === undefined) return test.skip('no file system can be mounted here')
    const filler = join(disk, 'filler')
    writeFileSync(filler, Buffer.alloc(1024 * 1024))
    const acknowledged: string[] = []
    const definition = JSON.stringify('x'.repeat(20_000))

    await assert.rejects(
      async () => {
        for (let n = 0; n < 1000; n += 1) {
          await store.commit([put({ name: `full-${n}`, definition })])
          acknowledged.push(`full-${n}`)
        }
      },
      (error: Error) => error.name === 'StoreUnavailable' && error.message.includes('disk is full'),
    )
    assert.equal(store.state().status, 'down')
    await assert.rejects(store.commit([put()]), { name: 'StoreUnavailable' })
    rmSync(filler)
    await until(() => store.state().status === 'up', 15_000)

    assert.deepEqual(typesOf(await store.commit([put({ name: 'room again' })])), ['put'])
    const names = new Set((await store.load()).registrations.map(({ name }) => name))
    assert.ok(acknowledged.length > 0 && acknowledged.every((name) => names.has(name)))
  })
})

function execute(path: string, sql: string): void {
  const database = new DatabaseSync(path)
  database.exec(sql)
  database.close()
}
