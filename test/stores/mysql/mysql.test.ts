import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createConnection } from 'mysql2/promise'
import { type Log, silent } from '../../../src/log.ts'
import { StoreConfig } from '../../../src/stores/config.ts'
import { openMysql } from '../../../src/stores/mysql/mysql.ts'
import { testAgentsView } from '../../contracts/agents-view.ts'
import { testOutage } from '../../contracts/outage.ts'
import { testStoreContract } from '../../contracts/store.ts'
import { createTestLog } from '../../test-log.ts'
import { put } from '../builders.ts'
import { holdAt, mysqlMissing, query, startMysql } from '../databases/mysql.ts'

const skip = mysqlMissing()
let server: Awaited<ReturnType<typeof startMysql>>
before(async () => {
  if (skip === undefined) server = await startMysql()
})
after(() => server?.[Symbol.asyncDispose]())

function open(url: string, log: Log = silent) {
  const config = StoreConfig.parse({ type: 'mysql', url })
  if (config.type !== 'mysql') throw new Error('not reached')
  return openMysql({ config, log })
}

const tables = ['roster_meta', 'roster_registrations', 'roster_deletions', 'roster_beats', 'roster_verdicts']

/** Copies the tables into another database; the result puts them back. */
async function save(url: string) {
  const name = url.split('/').at(-1)
  await query(url, `CREATE DATABASE saved_${name}`)
  for (const table of tables) await query(url, `CREATE TABLE saved_${name}.${table} AS SELECT * FROM ${table}`)
  const restored = tables.map(
    (table) => `DELETE FROM ${table}; INSERT INTO ${table} SELECT * FROM saved_${name}.${table};`,
  )
  return async () => {
    const connection = await createConnection({ uri: url, multipleStatements: true })
    await connection.query(`START TRANSACTION; ${restored.join(' ')} COMMIT`)
    await connection.end()
  }
}

testStoreContract({
  name: 'mysql',
  make: async () => {
    const url = await server.create()
    return {
      open: () => open(url),
      save: () => save(url),
      hold: (sql) => holdAt(url, sql),
      [Symbol.asyncDispose]: async () => {},
    }
  },
  survives: true,
  shared: true,
  members: { wakeMs: 500 },
  skip,
})

describe('the mysql store in an outage', { skip }, () => {
  let url: string
  before(async () => {
    url = await server.create()
  })

  testOutage({ open: () => open(url), server: () => server })
})

describe('the view of the agents in MySQL', { skip }, () => {
  testAgentsView({
    make: async () => {
      const url = await server.create()
      return { store: await open(url), query: (sql) => query(url, sql) }
    },
  })

  it('is added to the database of an earlier version', async () => {
    const url = await server.create()
    await (await open(url))[Symbol.asyncDispose]()
    await query(url, 'DROP VIEW agents')

    await (await open(url))[Symbol.asyncDispose]()

    assert.deepEqual(await query(url, 'SELECT * FROM agents'), [])
  })

  it('is left out with a warning when the user may not create views', async () => {
    // MariaDB gives every user all rights on databases whose name starts with "test_".
    const url = (await server.create()).replace(/test_\d+$/, 'restricted')
    const root = url.replace(/\/\/.*@/, '//root@').replace('restricted', 'mysql')
    const rights = 'SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX'
    await query(root, 'CREATE DATABASE restricted')
    await query(root, "CREATE USER limited@'127.0.0.1' IDENTIFIED BY 'limited'")
    await query(root, `GRANT ${rights} ON restricted.* TO limited@'127.0.0.1'`)
    const { log, lines } = createTestLog()

    await using store = await open(url.replace(/\/\/.*@/, '//limited:limited@'), log)

    await store.commit([put()])
    const warnings = lines().filter(({ level }) => level === 'warn')
    assert.deepEqual(
      warnings.map(({ msg }) => /view "agents" not created.*grant CREATE VIEW/.test(String(msg))),
      [true],
    )
  })
})

describe('a MySQL database', { skip }, () => {
  const refusals: [string, string, RegExp][] = [
    ['of another program', 'CREATE TABLE bookmarks (url TEXT)', /other tables \(bookmarks\)/],
    ['of views', 'CREATE VIEW agents AS SELECT 1 AS id', /other tables \(agents\)/],
    [
      'with a foreign table of the same name',
      "CREATE TABLE roster_meta AS SELECT 'Ann' AS member",
      /without a schema version.*database of its own/,
    ],
    [
      'of a newer mcp-roster',
      "CREATE TABLE roster_meta AS SELECT 'schema' AS name, '999' AS value",
      /newer mcp-roster \(schema 999/,
    ],
  ]
  for (const [what, sql, reason] of refusals) {
    it(`${what} is refused and left untouched`, async () => {
      const url = await server.create()
      await query(url, sql)
      const before = await query(url, 'SHOW TABLES')

      await assert.rejects(open(url), (error: Error) => error.name === 'StoreRefusal' && reason.test(error.message))

      assert.deepEqual(await query(url, 'SHOW TABLES'), before)
    })
  }

  it('is refused with a wrong password or name, without the password in the message', async () => {
    const url = await server.create()
    await assert.rejects(open(url.replace(/%401@/, '%402@')), (error: Error) => {
      assert.match(error.message, /denied access/)
      assert.ok(!/se:cr|se%3Acr/.test(error.message))
      return error.name === 'StoreRefusal'
    })
    await assert.rejects(open(url.replace(/\w+$/, 'absent')), /denied access.*Unknown database/)
  })

  it('is migrated once by several concurrent starts, and after an interrupted start', async () => {
    const url = await server.create()
    await query(url, 'CREATE TABLE roster_meta (name VARCHAR(32) PRIMARY KEY, value VARCHAR(255) NOT NULL)')
    const stores = await Promise.all(Array.from({ length: 5 }, () => open(url)))

    const epochs = await Promise.all(stores.map(async (store) => (await store.load()).epoch))

    assert.equal(new Set(epochs).size, 1)
    for (const store of stores) await store[Symbol.asyncDispose]()
  })
})
