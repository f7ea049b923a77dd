import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { describe, it } from 'node:test'
import { temporary, until } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'
import { running } from './command-runner.ts'

/** A database of the original mesh registry; `rows` are SQL values for its agents. */
function original(path: string, ...rows: readonly string[]): void {
  const database = new DatabaseSync(path)
  database.exec(`
    CREATE TABLE agents (id TEXT PRIMARY KEY, name TEXT, namespace TEXT, labels TEXT, security_context TEXT, created_at TIMESTAMP);
    CREATE TABLE capabilities (id INTEGER PRIMARY KEY, agent_id TEXT, name TEXT, version TEXT);
    CREATE TABLE registry_events (id INTEGER PRIMARY KEY);
    INSERT INTO registry_events VALUES (1);
    INSERT INTO capabilities VALUES (1, 'owl', 'see', '1.2.0');`)
  for (const row of rows) database.exec(`INSERT INTO agents VALUES (${row})`)
  database.close()
}

const owl = `'owl', 'Owl', 'team-a', '{"env":"prod"}', NULL, '2025-06-10 12:00:00'`

describe('import', () => {
  it('takes over the agents of an original database beside a running daemon and reports unreadable fields', async () => {
    using folder = temporary()
    original(
      folder.at('old.db'),
      owl,
      `'broken', '', 'default', '{not', NULL, NULL`,
      `'guard', '', 'default', '{}', 'high_security', NULL`,
    )
    await using daemon = await startHere('sources: [{ type: agents }]\n', { folder })
    const env = { DATABASE_URL: folder.at('state', 'roster.db'), HOME: folder.path }

    const { code, out } = await running(['import', folder.at('old.db')], { env })

    assert.equal(code, 1)
    assert.match(
      out,
      /^broken: labels: is neither JSON nor a Python literal \(no literal at character 2\); left empty$/m,
    )
    assert.match(out, /^read labels: 2 as JSON, 1 not at all$/m)
    assert.match(out, /^guard: security_context: .*high_security.*agent skipped$/m)
    assert.match(out, /^not imported: 1 row of registry_events$/m)
    assert.match(out, /^2 agents imported, 1 skipped$/m)
    type Server = { created_at: string; labels: object; capabilities: { name: string }[]; status: string }
    const { body } = await until(async () => {
      const answer = await daemon.ask<Server>('GET', '/servers/team-a/owl')
      return answer.status === 200 && answer
    })
    assert.deepEqual(
      [body.created_at, body.labels, body.capabilities.map(({ name }) => name), body.status],
      ['2025-06-10T12:00:00.000Z', { env: 'prod' }, ['see'], 'pending'],
    )
  })

  it('replaces no existing agent and writes nothing in a dry run', async () => {
    using folder = temporary()
    original(folder.at('old.db'), owl)
    const env = { DATABASE_URL: folder.at('roster.db'), HOME: folder.path }

    const tried = await running(['import', folder.at('old.db'), '--dry-run'], { env })
    assert.equal(existsSync(folder.at('roster.db')), false)
    const first = await running(['import', `sqlite://${folder.at('old.db')}`], { env })
    const second = await running(['import', folder.at('old.db')], { env })

    assert.match(tried.out, /dry run, nothing written: 1 agent would be imported/)
    assert.match(first.out, /^1 agent imported, 0 skipped$/m)
    assert.match(second.out, /^0 agents imported, 1 already registered, 0 skipped$/m)
    assert.deepEqual([tried.code, first.code, second.code], [0, 0, 0])
  })

  it('names the agents it skips, in a dry run too', async () => {
    using folder = temporary()
    original(folder.at('old.db'), owl, `'guard', '', 'default', '{}', 'high_security', NULL`)
    const env = { DATABASE_URL: folder.at('roster.db'), HOME: folder.path }

    const tried = await running(['import', folder.at('old.db'), '--dry-run'], { env })
    const done = await running(['import', folder.at('old.db')], { env })

    const why = /^guard: .*agent skipped$/m
    assert.match(tried.out, /^dry run, nothing written: 1 agent would be imported, 1 skipped$/m)
    assert.deepEqual([tried.code, why.exec(tried.out)?.[0]], [done.code, why.exec(done.out)?.[0]])
  })

  it('reads JSON that was stored as bytes', async () => {
    using folder = temporary()
    original(folder.at('old.db'), `'owl', 'Owl', 'default', CAST('{"env":"prod"}' AS BLOB), NULL, NULL`)
    const env = { DATABASE_URL: folder.at('roster.db'), HOME: folder.path }

    const { code } = await running(['import', folder.at('old.db')], { env })
    using store = new DatabaseSync(folder.at('roster.db'))

    assert.deepEqual([code, store.prepare('SELECT labels FROM agents').get()?.['labels']], [0, '{"env":"prod"}'])
  })

  it('reports an unreadable database in one line without its password', async () => {
    using folder = temporary()
    const env = { DATABASE_URL: folder.at('roster.db'), HOME: folder.path }
    for (const [url, why] of [
      [folder.at('nothing.db'), /is not a file/],
      ['mysql://me:canary@localhost/x', /SQLite or PostgreSQL/],
      ['oracle://me:canary@localhost/x', /unsupported store URL/],
      ['postgres://me:canary@127.0.0.1:1/x', /cannot be reached/],
    ] as const) {
      const { code, out, err } = await running(['import', url], { env })

      assert.equal(code, 1)
      assert.match(err, why)
      assert.equal(err.trim().split('\n').length, 1)
      assert.doesNotMatch(out + err, /canary/)
    }
    assert.equal((await running(['import'], { env })).code, 2)
  })
})
