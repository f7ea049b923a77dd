import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { postgresMigrations } from '../../../src/stores/postgres/migrations.ts'
import { testAgentsView } from '../../contracts/agents-view.ts'
import { testOutage } from '../../contracts/outage.ts'
import { put, until } from '../builders.ts'
import { openAt, postgresMissing, query, startPostgres } from '../databases/postgres.ts'

const skip = postgresMissing()
let server: Awaited<ReturnType<typeof startPostgres>>
before(async () => {
  if (skip === undefined) server = await startPostgres()
})
after(() => server?.[Symbol.asyncDispose]())

describe('the postgres store in an outage', { skip }, () => {
  let url: string
  before(async () => {
    url = await server.create()
  })

  testOutage({ open: () => openAt(url), server: () => server })
})

describe('the view of the agents in PostgreSQL', { skip }, () => {
  testAgentsView({
    make: async () => {
      const url = await server.create()
      return { store: await openAt(url), query: (sql) => query(url, sql) }
    },
  })

  it('gets its new columns without losing the views on it', async () => {
    const url = await server.create()
    await (await openAt(url))[Symbol.asyncDispose]()
    await query(
      url,
      `DROP VIEW agents; ${postgresMigrations[1]} CREATE VIEW dashboard AS SELECT id, status FROM agents`,
    )
    await query(
      url,
      `DROP TABLE roster_events, roster_statistics, roster_members, roster_verdicts;
       DELETE FROM roster_meta WHERE key IN ('event', 'verdict')`,
    )
    await query(url, "UPDATE roster_meta SET value = '2' WHERE key = 'schema'")

    await (await openAt(url))[Symbol.asyncDispose]()

    assert.deepEqual(await query(url, 'SELECT capability, last_seen FROM agents, dashboard'), [])
  })
})

describe('a PostgreSQL database', { skip }, () => {
  const refusals: [string, string, RegExp][] = [
    [
      'of the original mesh registry',
      'CREATE TABLE agents (id TEXT); CREATE TABLE capabilities (id INTEGER)',
      /original mesh registry.*untouched.*mcp-roster import/s,
    ],
    ['of another program', 'CREATE TABLE bookmarks (url TEXT)', /other tables \(bookmarks\)/],
    ['of views', 'CREATE VIEW agents AS SELECT 1 AS id', /other tables \(agents\)/],
    [
      'with a foreign table of the same name',
      "CREATE TABLE roster_meta AS SELECT 'Ann' AS member",
      /without a schema version.*database of its own/,
    ],
    [
      'of a newer mcp-roster',
      "CREATE TABLE roster_meta (key TEXT, value TEXT); INSERT INTO roster_meta VALUES ('schema', '999')",
      /newer mcp-roster \(schema 999/,
    ],
  ]
  for (const [what, sql, reason] of refusals) {
    it(`${what} is refused and left untouched`, async () => {
      const url = await server.create()
      await query(url, sql)
      const tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1"
      const before = await query(url, tables)

      await assert.rejects(openAt(url), (error: Error) => error.name === 'StoreRefusal' && reason.test(error.message))

      assert.deepEqual(await query(url, tables), before)
    })
  }

  it('is refused with another encoding, a wrong password or a wrong name', async () => {
    const latin = await server.create("ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    await assert.rejects(openAt(latin), /ENCODING 'UTF8'/)
    await assert.rejects(openAt(latin.replace(/%401@/, '%402@')), (error: Error) => {
      assert.match(error.message, /denied access.*password authentication failed/)
      assert.ok(!/se:cr|se%3Acr/.test(error.message))
      return error.name === 'StoreRefusal'
    })
    await assert.rejects(openAt(latin.replace(/\w+$/, 'absent')), /denied access.*does not exist/)
  })

  it('is migrated once by several concurrent starts', async () => {
    const url = await server.create()
    const stores = await Promise.all(Array.from({ length: 5 }, () => openAt(url)))

    const epochs = await Promise.all(stores.map(async (store) => (await store.load()).epoch))

    assert.equal(new Set(epochs).size, 1)
    for (const store of stores) await store[Symbol.asyncDispose]()
  })

  it('has a view of the agents as in the original mesh registry, with invalid characters replaced', async () => {
    const url = await server.create()
    await using store = await openAt(url)
    const definition = JSON.stringify({
      definition: { labels: { env: '\\u0000' } },
      facts: { name: 'Weather\0\ud800', endpoint: 'http://w/', agent_type: 'worker' },
    })
    await store.commit([
      put({ definition, namespace: 'prod' }),
      put({ kind: 'manual', name: 'no-agent' }),
      put({ name: 'quiet' }),
    ])
    store.recordHeartbeats([{ name: 'weather', age_ms: 61_000, timeout: 0 }])
    await until(() => store.state().pending.heartbeats === 0)

    const rows = await query(url, 'SELECT * FROM agents ORDER BY id')

    assert.deepEqual(
      rows.map(({ id, status }) => [id, status]),
      [
        ['quiet', 'pending'],
        ['weather', 'unhealthy'],
      ],
    )
    const [, weather] = rows
    assert.equal(weather?.['name'], 'Weather\ufffd\ufffd')
    assert.equal(weather['endpoint'], 'http://w/')
    assert.equal(weather['agent_type'], 'worker')
    assert.ok(weather['last_heartbeat'] instanceof Date && weather['created_at'] instanceof Date)
  })

  it('that hangs counts as down after the timeout, and as up when it responds again', async () => {
    const url = await server.create()
    await using store = await openAt(url, { timeout: 0.5 })
    // In practice, a lock of another session makes a commit hang.
    const holding = query(
      url,
      "BEGIN; UPDATE roster_meta SET value = value WHERE key = 'version'; SELECT pg_sleep(2); COMMIT",
    )
    await until(
      async () =>
        (
          await query(
            url,
            "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'BEGIN; UPDATE%' AND wait_event = 'PgSleep'",
          )
        ).length === 1,
    )

    await assert.rejects(store.commit([put()]), { name: 'StoreUnavailable' })

    assert.equal(store.state().status, 'down')
    await holding
    await until(() => store.state().status === 'up')
    await store.commit([put()])
  })

  it('that is read-only counts as down', async () => {
    const url = await server.create()
    await using store = await openAt(url)
    const name = url.split('/').at(-1)
    await query(url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    await query(
      url,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mcp-roster' AND datname = current_database()",
    )
    await until(() =>
      store.commit([put()]).then(
        () => false,
        (error: Error) => error.message.includes('read-only'),
      ),
    )

    assert.match(store.state().reason ?? '', /read-only transaction/)
  })
})
