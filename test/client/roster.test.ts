import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { connectRoster, RosterError, shortId } from '../../src/client/index.ts'
import { start, temporary, until } from '../e2e/daemon-process.ts'

const weather = 'weather: { url: "http://127.0.0.1:9/mcp", tags: [geo] }'

function withCode(status: number, code: string): (error: unknown) => boolean {
  return (error) => error instanceof RosterError && error.status === status && error.code === code
}

/** A directory that lists the server `far`, until it is down. */
async function openDirectory() {
  const directory = { isDown: false, servers: [{ name: 'far', url: 'http://far.example/mcp' }] }
  const http = createServer((_, response) => {
    response.writeHead(directory.isDown ? 503 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ servers: directory.servers }))
  })
  await once(http.listen(0, '127.0.0.1'), 'listening')
  return Object.assign(directory, {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/servers.json`,
    [Symbol.asyncDispose]: async () => {
      http.closeAllConnections()
      await new Promise((closed) => http.close(closed))
    },
  })
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

  it('follow is back within five seconds of the return of the roster although one of its sources is unreachable', async () => {
    using home = temporary()
    await using directory = await openDirectory()
    const write = (...names: string[]) =>
      writeFileSync(home.at('servers.json'), JSON.stringify(names.map((name) => ({ name, command: 'npx' }))))
    const sources = `[{ type: file, paths: [servers.json] }, { type: http, url: "${directory.url}" }]`
    writeFileSync(home.at('config.yaml'), `store: { type: memory }\nhealth: { enabled: false }\nsources: ${sources}\n`)
    write('gone', 'weather')
    const begin = async (port: string) =>
      await start(['--config', home.at('config.yaml'), '--port', port], { home: home.path })
    await using first = await begin('0')
    await until(async () => (await first.json<{ total: number }>('/servers')).total === 3)
    const received: string[] = []
    await using following = await connectRoster({ url: first.url }).follow(
      {},
      {
        onChange: (events) =>
          received.push(...events.flatMap((one) => ('server' in one ? `${one.type} ${one.server.name}` : []))),
      },
    )
    const names = () => [...following.servers.values()].map(({ name }) => name).toSorted()

    directory.isDown = true
    await first.stop()
    write('new', 'weather')
    await using second = await begin(new URL(first.url).port)
    assert.equal((await second.get('/ready')).status, 503)

    await until(() => following.servers.has('default/new'), 5)
    await until(() => !following.servers.has('default/gone'))
    assert.deepEqual(names(), ['far', 'new', 'weather'])
    directory.isDown = false
    directory.servers = []
    await second.get('/sources/http/refresh', { method: 'POST' })
    await until(() => !following.servers.has('default/far'), 10)
    assert.deepEqual(received.filter((one) => /^DELETED| new$/.test(one)).toSorted(), [
      'ADDED new',
      'DELETED far',
      'DELETED gone',
    ])
  })

  it('rejects with an error without the password when the roster is unreachable', async () => {
    for (const url of ['http://bob:c4nary@127.0.0.1:59', new URL('http://:c4nary@127.0.0.1:59/under/')]) {
      await assert.rejects(connectRoster({ url }).list({ name: 'x' }), (error) => {
        assert.ok(error instanceof RosterError)
        assert.equal(error.message, 'no daemon answers at http://127.0.0.1:59: connection refused')
        return error.status === 0 && error.code === 'unreachable'
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
