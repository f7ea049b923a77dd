import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, it } from 'node:test'
import { getRequestListener } from '@hono/node-server'
import { McpServer, WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/server'
import { connectServers, type ConnectionView } from '../../../src/client/connect/index.ts'
import { openHttp } from '../../e2e/mcp.ts'
import { readEvents } from './event-reader.ts'
import { startMcp, text } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

const soon = { retry_delay: 0.02 }

describe('a connection', () => {
  it('is lost at once when its server ends, and opened again when the server is back', async () => {
    await using first = await startMcp()
    await using place = await createServerFile({ a: { url: first.url, ...soon } })
    const states: string[] = []
    await using fleet = await connectServers({
      roster: place.daemon.url,
      onStatus: (_, state) => void states.push(state),
    })
    const events = readEvents(fleet)

    await first.stop()
    await events.next('lost')
    assert.equal((await events.next('reconnecting')).reason, 'connection refused; attempt 1 now')
    assert.deepEqual(fleet.failed, ['default/a'])
    await using second = await startMcp({ port: first.port })
    await events.next('connected')

    assert.deepEqual(fleet.active, ['default/a'])
    assert.deepEqual((await fleet.call('forecast')).content, text('sunny').content)
    assert.equal(second.countOf('tools/call'), 1)
    assert.deepEqual(
      states.filter((state, at) => state !== states[at - 1]),
      ['connecting', 'connected', 'reconnecting', 'connected'],
    )
  })

  it('is not opened again where the definition says auto_reconnect: false, but when asked to', async () => {
    await using first = await startMcp()
    await using place = await createServerFile({ a: { url: first.url, auto_reconnect: false } })
    await using fleet = await connectServers({ roster: place.daemon.url })
    const events = readEvents(fleet)

    await first.stop()
    await events.next('error')
    assert.equal(fleet.get('a')?.state, 'error')
    await using second = await startMcp({ port: first.port })

    assert.equal(await fleet.connect('a'), true)
    assert.ok(second.countOf('tools/list') > 0)
  })

  it('is in the state error after max_retries, and still comes back', async () => {
    await using first = await startMcp()
    await using place = await createServerFile({ a: { url: first.url, ...soon, max_retries: 1 } })
    await using fleet = await connectServers({ roster: place.daemon.url, maxPauseMs: 20 })
    const events = readEvents(fleet)

    await first.stop()
    await events.next('error')
    const { state, reason, retry_count } = fleet.get('a') ?? ({} as ConnectionView)
    assert.deepEqual({ state, reason, retry_count }, { state: 'error', reason: 'connection refused', retry_count: 2 })
    await using second = await startMcp({ port: first.port })
    await events.next('connected')

    assert.equal(fleet.get('a')?.retry_count, 0)
    assert.ok(second.countOf('tools/list') > 0)
  })

  it('in the state error fails each call to it after one attempt', async () => {
    await using server = await startMcp()
    await using place = await createServerFile({
      a: { url: server.url, health_check: 'none', capabilities: ['forecast'] },
    })
    await server.stop()
    await using fleet = await connectServers({ roster: place.daemon.url, maxRetries: 0 })
    while (fleet.get('a')?.state !== 'error') await new Promise(setImmediate)

    for (let call = 0; call < 3; call += 1)
      await assert.rejects(fleet.call('forecast', {}, { server: 'a' }), {
        code: 'failed',
        message: /connection refused/,
      })
    assert.equal(await fleet.connect('a'), false)
  })

  it('to a server that fell silent is given up, while the call in flight still gets its answer', async (t) => {
    let isSilent = false
    const answered = Promise.withResolvers<void>()
    // A server with a call that never ends does not close.
    t.after(() => answered.resolve())
    await using server = await startMcp({
      intercept: (_, __, { method }) => isSilent && method !== 'tools/call',
      build: (made) => made.registerTool('slow', {}, async () => (await answered.promise, text('done'))),
    })
    await using place = await createServerFile({ a: { url: server.url, ...soon } })
    await using fleet = await connectServers({
      roster: place.daemon.url,
      pingIntervalMs: 20,
      // Longer than a busy machine takes to answer a ping.
      pingTimeoutMs: 500,
      connectTimeoutMs: 200,
    })
    const events = readEvents(fleet)

    const call = fleet.call('slow')
    isSilent = true
    const { reason } = await events.next('lost')
    answered.resolve()

    assert.equal(reason, 'no answer in time')
    assert.deepEqual((await call).content, text('done').content)
  })

  it('to a server that forgot its session is opened again, and the call goes there', async () => {
    await using server = await startWithSessions()
    await using place = await createServerFile({ a: { url: server.url, health_check: 'none' } })
    await using fleet = await connectServers({ roster: place.daemon.url })

    assert.deepEqual((await fleet.call('count')).content, text('session 1').content)
    server.forget()

    assert.deepEqual((await fleet.call('count')).content, text('session 2').content)
    assert.deepEqual(fleet.stats().errors, 1)
  })

  it('ends its session with the server when the fleet closes', async () => {
    await using server = await startWithSessions()
    await using place = await createServerFile({ a: { url: server.url, health_check: 'none' } })

    const fleet = await connectServers({ roster: place.daemon.url })
    assert.equal(server.sessions(), 1)
    await fleet.close()

    assert.equal(server.sessions(), 0)
    await assert.rejects(fleet.call('count'), { code: 'closed' })
  })

  it('to a server that ends each session soon is opened again at once only the first time', async () => {
    let pings = 0
    await using server = await startMcp({
      intercept: ({ socket }, _, { method }) => {
        if (method === 'subscriptions/listen') pings = 1
        else if (method !== 'server/discover' || pings-- <= 0) return false
        socket.resetAndDestroy()
        return true
      },
    })
    await using place = await createServerFile({ a: { url: server.url, health_check: 'none', retry_delay: 3600 } })
    await using fleet = await connectServers({ roster: place.daemon.url, maxPauseMs: 3_600_000 })
    const events = readEvents(fleet)

    await events.next('lost')
    await events.next('connected')
    await events.next('lost')

    assert.match((await events.next('reconnecting')).reason ?? '', /attempt 2 in \d+\.\d s/)
    assert.equal(fleet.get('a')?.state, 'reconnecting')
  })

  it('opens its circuit after failures in a row, and a trial closes it', async () => {
    let isBroken = true
    await using server = await startMcp({
      intercept: (_, response, { method }) => {
        if (!isBroken || method !== 'tools/call') return false
        response.writeHead(500).end()
        return true
      },
    })
    await using place = await createServerFile({ a: { url: server.url } })
    await using fleet = await connectServers({ roster: place.daemon.url, breaker: { failures: 2, openMs: 30 } })
    const events = readEvents(fleet)

    for (let call = 0; call < 2; call += 1) await assert.rejects(fleet.call('forecast'), { code: 'unknown' })
    await assert.rejects(fleet.call('forecast'), { code: 'no_server' })
    assert.equal(server.countOf('tools/call'), 2)
    isBroken = false
    while (fleet.get('a')?.circuit !== 'closed') await fleet.call('forecast').catch(() => undefined)

    assert.deepEqual(
      [
        (await events.next('circuit_open')).reason,
        (await events.next('circuit_half_open')).type,
        (await events.next('circuit_closed')).type,
      ],
      ['its calls keep failing', 'circuit_half_open', 'circuit_closed'],
    )
  })
})

/** A server of the older protocol, with a session for each client. `forget` ends them all. */
async function startWithSessions() {
  const transports = new Map<string, WebStandardStreamableHTTPServerTransport>()
  const opened = new Set<string>()
  const listener = getRequestListener(async (request) => {
    const id = request.headers.get('mcp-session-id')
    if (id !== null) {
      const known = transports.get(id)
      return known ? known.handleRequest(request) : new Response(null, { status: 404 })
    }
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (session) => void (transports.set(session, transport), opened.add(session)),
      onsessionclosed: (session) => void transports.delete(session),
    })
    const server = new McpServer({ name: 'sessions', version: '1.0.0' })
    server.registerTool('count', {}, () => text(`session ${[...opened].indexOf(transport.sessionId ?? '') + 1}`))
    await server.connect(transport)
    return transport.handleRequest(request)
  })
  const http = await openHttp((request, response) => void listener(request, response))
  return { ...http, sessions: () => transports.size, forget: () => transports.clear() }
}
