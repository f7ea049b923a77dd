import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { connectRoster, RosterError, shortId } from '../../src/client/index.ts'
import { start, temporary, until } from '../e2e/daemon-process.ts'

const weather = 'weather: { url: "http://127.0.0.1:9/mcp", tags: [geo] }'

function withCode(status: number, code: string): (error: unknown) => boolean {
  return (error) => error instanceof RosterError && error.status === status && error.code === code
}

describe('a roster', () => {
  it('lists, reads, probes and discovers servers', async () => {
    using home = temporary()
    writeFileSync(home.at('servers.yaml'), `servers: { ${weather}, files: { command: npx } }`)
    await using daemon = await start([home.path], { home: home.path })
    const roster = connectRoster({ url: `${daemon.url}/` })
    await until(async () => (await roster.list()).total === 2)

    assert.deepEqual((await roster.list({ tag: 'geo' })).servers.map(shortId), ['weather'])
    assert.equal((await roster.get('weather')).url, 'http://127.0.0.1:9/mcp')
    assert.deepEqual(Object.keys((await roster.discover()).servers), ['files', 'weather'])
    assert.deepEqual(Object.keys(await roster.discover('claude', { tag: 'geo' })), ['mcpServers'])
    assert.equal((await roster.probe({ namespace: 'default', name: 'weather' })).reason, 'refused')
    assert.equal(roster.check, roster.probe)
    await assert.rejects(roster.get('none'), withCode(404, 'server_not_found'))
    await assert.rejects(roster.list({ limit: -1 }), withCode(400, 'invalid_parameter'))
  })

  it('shows an agent from its registration to its removal', async () => {
    using home = temporary()
    await using daemon = await start([home.path], { home: home.path, env: { AUTH_TOKEN: 'c4nary-c4nary-c4nary' } })
    const stranger = connectRoster({ url: daemon.url })
    const roster = connectRoster({ url: daemon.url, token: () => 'c4nary-c4nary-c4nary' })
    const agent = { agent_id: 'helper', endpoint: 'http://127.0.0.1:9/mcp', capabilities: ['add', { name: 'sum' }] }

    await assert.rejects(
      stranger.register(agent),
      (error) => error instanceof RosterError && [401, 403].includes(error.status),
    )
    await assert.rejects(roster.heartbeat('helper'), withCode(404, 'agent_not_found'))
    assert.equal((await roster.register(agent)).agent_id, 'helper')
    await roster.heartbeat('helper', { status: 'degraded', metadata: { load: 0.9 } })

    const { status, capabilities } = await roster.get('helper')
    assert.deepEqual([status, capabilities.map(({ name }) => name)], ['degraded', ['add', 'sum']])
    await roster.unregister('helper')
    assert.deepEqual((await roster.list()).servers, [])
  })

  it('follow yields only the real changes across a restart of the roster', async () => {
    using home = temporary()
    using places = temporary()
    writeFileSync(places.at('a.yaml'), `servers: { ${weather} }`)
    writeFileSync(places.at('b.yaml'), 'servers: { gone: { command: npx } }')
    const options = { home: home.path }
    await using first = await start([places.path], options)
    const { port } = new URL(first.url)
    await until(async () => (await first.json<{ total: number }>('/servers')).total === 2)
    const received: string[] = []
    await using following = await connectRoster({ url: first.url, maxPauseMs: 50 }).follow(
      {},
      {
        onChange: (events) =>
          received.push(...events.map((one) => ('server' in one ? `${one.type} ${one.server.name}` : ''))),
      },
    )

    await first.stop()
    writeFileSync(places.at('b.yaml'), 'servers: {}')
    await using second = await start(['--port', port, places.path], options)
    assert.equal(second.url, first.url)

    await until(() => !following.servers.has('default/gone'))
    assert.deepEqual([...following.servers.keys()], ['default/weather'])
    assert.ok(received.includes('DELETED gone') && !received.includes('DELETED weather'), received.join(', '))
  })

  it('rejects with an error without the password when the roster is unreachable', async () => {
    for (const url of ['http://bob:c4nary@127.0.0.1:59', new URL('http://:c4nary@127.0.0.1:59/under/')]) {
      await assert.rejects(connectRoster({ url }).list({ name: 'x' }), (error) => {
        assert.ok(error instanceof RosterError)
        assert.equal(error.message, 'no daemon answers at http://127.0.0.1:59: connection refused')
        return error.status === 0 && error.code === undefined
      })
    }
    assert.throws(() => connectRoster({ url: 'ftp://x' }), TypeError)
  })

  it('request ends with its signal or its timeout', async () => {
    const never: typeof fetch = async (_, init) =>
      new Promise((_resolve, reject) =>
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error)),
      )
    const impatient = connectRoster({ url: 'http://127.0.0.1:1', fetch: never, timeoutMs: 5 })

    await assert.rejects(impatient.list(), /no response within/)
    await assert.rejects(impatient.list({}, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  })
})
