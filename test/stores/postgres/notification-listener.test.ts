import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { listenForNotifications } from '../../../src/stores/postgres/notification-listener.ts'
import { startTcpProxy } from '../../fakes/tcp-proxy.ts'
import { until } from '../builders.ts'
import { postgresMissing, query, startPostgres } from '../databases/postgres.ts'

const skip = postgresMissing()

describe('the listener for notifications of PostgreSQL', { skip }, () => {
  let server: Awaited<ReturnType<typeof startPostgres>>
  let url: URL
  before(async () => {
    server = await startPostgres()
    url = new URL(await server.create())
  })
  after(() => server[Symbol.asyncDispose]())

  function listenThrough(port: number) {
    const through = new URL(url)
    through.port = String(port)
    let wakes = 0
    const woken: unknown[] = []
    const listener = listenForNotifications({
      options: { connectionString: String(through) },
      writer: 'me',
      wake: (written) => {
        wakes += 1
        woken.push(written)
      },
      log: silent,
      maxSilenceMs: 100,
    })
    return { ...listener, wakes: () => wakes, woken, [Symbol.dispose]: listener.stop }
  }

  it('wakes for notices of others, not for its own', async () => {
    await using proxy = await startTcpProxy(Number(url.port))
    using listener = listenThrough(proxy.port)
    await until(() => listener.wakes() === 1)

    await query(String(url), "SELECT pg_notify('roster', 'me'); SELECT pg_notify('roster', 'other')")
    await until(() => listener.wakes() === 2)
    await query(String(url), "SELECT pg_notify('roster', 'other')")

    await until(() => listener.wakes() === 3)
    assert.equal(proxy.connections(), 1)
  })

  it('tells notices of verdicts from those of changes; after a connection both may have been missed', async () => {
    await using proxy = await startTcpProxy(Number(url.port))
    using listener = listenThrough(proxy.port)
    await until(() => listener.wakes() === 1)

    for (const notice of ['me verdicts', 'other verdicts', 'me', 'other'])
      await query(String(url), `SELECT pg_notify('roster', '${notice}')`)

    await until(() => listener.wakes() === 3)
    assert.deepEqual(listener.woken, [undefined, 'verdicts', 'changes'])
  })

  it('connects again where its own notice of a write does not come: the connection is dead', async () => {
    await using proxy = await startTcpProxy(Number(url.port))
    using listener = listenThrough(proxy.port)
    await until(() => listener.wakes() === 1)
    proxy.freeze()

    listener.expectNotice()

    await until(() => listener.wakes() === 2)
    assert.equal(proxy.connections(), 2)
    await query(String(url), "SELECT pg_notify('roster', 'other')")
    await until(() => listener.wakes() === 3)
  })
})
