import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { connectServers } from '../../../src/client/connect/index.ts'
import { readEvents } from './event-reader.ts'
import { startMcp } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

/** The values of a header that a server got from the fleet; the daemon's own probes send none of it. */
const valuesOf = (server: { headers: Record<string, unknown>[] }, name: string) => [
  ...new Set(server.headers.flatMap((headers) => headers[name] ?? [])),
]

const quiet = { health_check: 'none', retry_delay: 0.02 }

describe('the credentials of a fleet', () => {
  it('come from the resolver, the placeholders of the definition, or the roster with its secrets', async () => {
    await using server = await startMcp()
    const headers = { 'x-plain': 'first-secret', 'x-filled': 'Bearer ${TEST_KEY}', 'x-default': '${ABSENT:-standard}' }
    await using place = await createServerFile(
      { a: { url: server.url, ...quiet, headers } },
      'auth: { anonymous: reader, tokens: [{ name: fleet, token: let-me-see, role: reader, secrets: true }] }',
    )

    await using resolved = await connectServers({
      roster: place.daemon.url,
      credentials: ({ name }) => ({ headers: { 'x-mine': `secret of ${name}` } }),
    })
    assert.deepEqual(resolved.active, ['default/a'])
    assert.deepEqual(valuesOf(server, 'x-mine'), ['secret of a'])
    assert.deepEqual(valuesOf(server, 'x-plain'), [])

    await using filled = await connectServers({
      roster: place.daemon.url,
      placeholders: (name) => (name === 'TEST_KEY' ? 'second-secret' : undefined),
    })
    assert.deepEqual(filled.active, ['default/a'])
    assert.deepEqual(valuesOf(server, 'x-filled'), ['Bearer second-secret'])
    assert.deepEqual([...valuesOf(server, 'x-plain'), ...valuesOf(server, 'x-default')], [])

    await using revealed = await connectServers({
      roster: { url: place.daemon.url, token: 'let-me-see' },
      secrets: true,
    })
    assert.deepEqual(revealed.active, ['default/a'])
    assert.deepEqual(valuesOf(server, 'x-plain'), ['first-secret'])
    assert.deepEqual(valuesOf(server, 'x-default'), ['standard'])
  })

  it('are left out and named where a value is redacted or has none', async () => {
    await using server = await startMcp()
    const headers = { 'x-plain': 'first-secret', 'x-filled': '${TEST_KEY}' }
    await using place = await createServerFile({ a: { url: server.url, ...quiet, headers } })
    await using fleet = await connectServers({ roster: place.daemon.url, lazy: true })
    const events = readEvents(fleet)

    await fleet.connect('a')

    assert.equal((await events.next('credentials_missing', 'default/a')).reason, 'no value for x-plain, x-filled')
    assert.deepEqual([...valuesOf(server, 'x-plain'), ...valuesOf(server, 'x-filled')], [])
  })

  it('are withheld from another origin, unless the caller agrees', async () => {
    await using server = await startMcp()
    await using thief = await startMcp()
    await using place = await createServerFile({ a: { url: server.url, ...quiet } })
    const asked: string[] = []
    await using fleet = await connectServers({
      roster: place.daemon.url,
      credentials: () => ({ headers: { authorization: 'Bearer my-secret-token' } }),
      allowOriginChange: ({ url }, boundTo) => (
        asked.push(`${boundTo} -> ${url}`),
        url?.startsWith(friend.origin) ?? false
      ),
    })
    await using friendServer = await startMcp()
    const friend = new URL(friendServer.url)
    const events = readEvents(fleet)

    place.write({ a: { url: thief.url, ...quiet } })
    const { reason } = await events.next('credentials_withheld', 'default/a')
    await events.next('connected')
    place.write({ a: { url: friendServer.url, ...quiet } })
    await events.next('connected')

    assert.equal(reason, `${new URL(server.url).origin} has become ${new URL(thief.url).origin}`)
    assert.deepEqual(valuesOf(server, 'authorization'), ['Bearer my-secret-token'])
    assert.deepEqual(valuesOf(thief, 'authorization'), [])
    assert.deepEqual(valuesOf(friendServer, 'authorization'), ['Bearer my-secret-token'])
    assert.equal(asked.length, 2)
  })

  it('can be tokens of a provider, which appear in no error either', async () => {
    const token = 'rotating-token-1'
    await using server = await startMcp({
      intercept: ({ headers }, response, { method, id }) => {
        if (method !== 'tools/call') return false
        const error = { code: -32_000, message: `bad ${headers.authorization}`, data: { headers } }
        response.writeHead(200, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ jsonrpc: '2.0', id, error }))
        return true
      },
    })
    await using place = await createServerFile({ a: { url: server.url, ...quiet } })
    await using fleet = await connectServers({
      roster: place.daemon.url,
      credentials: () => ({ authProvider: { token: async () => token } }),
    })

    const failure = await fleet.call('forecast').catch((error: unknown) => error)

    assert.deepEqual(valuesOf(server, 'authorization'), [`Bearer ${token}`])
    assert.match(inspect(failure), /bad Bearer <redacted>/)
    assert.doesNotMatch(inspect(failure, { depth: 9 }), new RegExp(token))
  })

  it('appear in no error, event, view or figure, also where a server repeats them', async () => {
    const secret = 'my-secret-token'
    await using server = await startMcp({
      intercept: ({ headers }, response, { method, id }) => {
        if (method !== 'tools/call') return false
        const error = { code: -32_000, message: `bad token ${headers.authorization}`, data: headers }
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ jsonrpc: '2.0', id, error }))
        return true
      },
    })
    await using place = await createServerFile({
      a: { url: server.url, ...quiet },
      b: { url: `${server.url}?token=\${TOKEN}`, ...quiet },
    })
    await using fleet = await connectServers({
      roster: place.daemon.url,
      lazy: true,
      placeholders: () => secret,
      credentials: () => ({ headers: { authorization: `Bearer ${secret}` } }),
    })
    const events = readEvents(fleet)
    await fleet.connectAll()
    await events.next('connected')

    const failures = await Promise.all(
      ['a', 'b'].map((name) => fleet.call('forecast', {}, { server: name }).catch((error: unknown) => error)),
    )

    const shown = inspect([failures, events.seen, [...fleet.connections.values()], fleet.stats()], { depth: 20 })
    assert.match(shown, /bad token <redacted>/)
    assert.doesNotMatch(shown, new RegExp(secret))
  })
})
