import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import type { McpServer } from '@modelcontextprotocol/server'
import { type CallOptions, connectServers, FleetError, type FleetOptions } from '../../../src/client/connect/index.ts'
import { type RpcMessage, startMcp, text } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, message: RpcMessage) => unknown

const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) =>
    response.writeHead(code, headers).end()
const ok =
  (type: string, body: string): Answer =>
  (_, response) =>
    response.writeHead(200, { 'content-type': type }).end(body)

/** Writes the same text until the client hangs up. */
function flood(response: ServerResponse, type: string, part: string): void {
  response.writeHead(200, { 'content-type': type })
  const write = () => {
    while (!response.destroyed && response.write(part.repeat(10_000)));
  }
  response.on('drain', write)
  write()
}

/** Two tools: the second may be repeated. */
function twoTools(name: string) {
  return (server: McpServer) => {
    server.registerTool('pay', {}, () => text(name))
    server.registerTool('look', { annotations: { readOnlyHint: true } }, () => text(name))
  }
}

/** A fleet of two servers with the same tools, of which the first answers calls by `answer`. */
async function startPair(answer: Answer, options: Partial<FleetOptions> = { maxAnswerBytes: 100_000 }) {
  await using stack = new AsyncDisposableStack()
  const intercept = (request: IncomingMessage, response: ServerResponse, message: RpcMessage) => {
    if (message.method !== 'tools/call') return false
    answer(request, response, message)
    return true
  }
  const first = stack.use(await startMcp({ name: 'a', build: twoTools('a'), intercept }))
  const second = stack.use(await startMcp({ name: 'b', build: twoTools('b') }))
  const { daemon } = stack.use(await createServerFile({ a: { url: first.url }, b: { url: second.url } }))
  const fleet = stack.use(await connectServers({ roster: daemon.url, strategy: 'round_robin', ...options }))
  const owned = stack.move()
  return { fleet, first, second, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

type Pair = Awaited<ReturnType<typeof startPair>>

/** The text that a call brought, or the code of its error. */
async function outcomeOf({ fleet }: Pair, tool: string, options?: CallOptions): Promise<string> {
  try {
    const { content } = await fleet.call(tool, {}, options)
    return content[0]?.type === 'text' ? content[0].text : ''
  } catch (error) {
    return error instanceof FleetError ? error.code : String(error)
  }
}

describe('a call that may have been carried out', () => {
  const cases: readonly [string, Answer][] = [
    ['a reset before the answer', ({ socket }) => socket.resetAndDestroy()],
    ['a stream that ends without an answer', ok('text/event-stream', ': hello\n\n')],
    [
      'a stream that is reset',
      ({ socket }, response) => {
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(': hello\n\n', () => socket.resetAndDestroy())
      },
    ],
    ['a page of HTML', ok('text/html', '<h1>Welcome</h1>')],
    ['an answer that is not JSON', ok('application/json', '{"jsonrpc":')],
    ['an answer to another call', ok('application/json', '{"jsonrpc":"2.0","id":99,"result":{}}')],
    ['JSON without end', (_, response) => flood(response, 'application/json', '[1,')],
    ['an event without end', (_, response) => flood(response, 'text/event-stream', 'data: 1\n')],
    ['status 500', status(500)],
    ['status 502 of a gateway', status(502)],
    ['status 503 without a time', status(503)],
  ]
  for (const [title, answer] of cases) {
    it(`is not repeated on another server after ${title}, unless the tool or the caller allows it`, async () => {
      await using pair = await startPair(answer)

      assert.equal(await outcomeOf(pair, 'pay'), 'unknown')
      assert.equal(pair.second.countOf('tools/call'), 0)
      assert.equal(await outcomeOf(pair, 'look'), 'b')
      assert.equal(await outcomeOf(pair, 'pay', { server: 'a' }), 'unknown')
      assert.equal(await outcomeOf(pair, 'pay', { repeatable: true }), 'b')
    })
  }

  it('is repeated once on the same server where there is no other', async () => {
    let resets = 1
    await using pair = await startPair(({ socket }, response) => {
      if (resets-- > 0) socket.resetAndDestroy()
      else response.writeHead(500).end()
    })

    assert.equal(await outcomeOf(pair, 'look', { server: 'a' }), 'unknown')
    assert.equal(pair.first.countOf('tools/call'), 2)
  })

  it('ends with its timeout, and is not repeated', async () => {
    await using pair = await startPair(() => undefined)

    assert.equal(await outcomeOf(pair, 'pay', { timeoutMs: 50 }), 'unknown')
    assert.equal(await outcomeOf(pair, 'look', { timeoutMs: 50 }), 'b')
  })
})

describe('a call of the older protocol', () => {
  it('that ended with its timeout is not repeated, also while its cancellation is being sent', async () => {
    const methods: string[] = []
    const startLegacy = (name: string) =>
      startMcp({
        name,
        build: twoTools(name),
        intercept(_, response, { method }) {
          methods.push(`${name} ${method}`)
          if (method === 'server/discover') response.writeHead(400).end()
          return method === 'server/discover' || method === 'tools/call'
        },
      })
    await using first = await startLegacy('a')
    await using second = await startLegacy('b')
    await using place = await createServerFile({ a: { url: first.url }, b: { url: second.url } })
    await using fleet = await connectServers({ roster: place.daemon.url, strategy: 'round_robin' })

    await assert.rejects(fleet.call('pay', {}, { timeoutMs: 50 }), { code: 'unknown', message: /no answer in time/ })

    while (!methods.some((one) => one.endsWith('notifications/cancelled'))) await new Promise(setImmediate)
    const calls = () => methods.filter((one) => one.endsWith('tools/call')).length
    while (calls() === 0) await new Promise(setImmediate)
    assert.equal(calls(), 1)
  })
})

describe('a call that goes to another server because it never left', () => {
  it('does not leave any more, also by the older protocol, whose requests cannot be aborted', async () => {
    let done = 0
    const startLegacy = async (name: string) =>
      startMcp({
        name,
        build: (server) => server.registerTool('pay', {}, () => text(`${name} ${(done += 1)}`)),
        intercept(_, response, { method }) {
          // Each request needs a new connection.
          response.setHeader('connection', 'close')
          if (method === 'server/discover') response.writeHead(400).end()
          return method === 'server/discover'
        },
      })
    await using first = await startLegacy('a')
    await using second = await startLegacy('b')
    await using place = await createServerFile({
      a: { url: first.url, health_check: 'none' },
      b: { url: second.url, health_check: 'none' },
    })
    await using fleet = await connectServers({ roster: place.daemon.url, strategy: 'round_robin' })

    for (let call = 0; call < 10; call += 1) {
      const pending = fleet.call('pay', {}, { timeoutMs: 20 }).catch(() => undefined)
      for (let turn = 0; turn < 100; turn += 1) await Promise.resolve()
      // The time is over before the connection is open.
      const end = performance.now() + 30
      while (performance.now() < end);
      const before = done
      await pending
      await fleet.call('pay')
      await new Promise(setImmediate)
      assert.ok(done - before <= 2, `carried out ${done - before} times by two calls`)
    }
  })
})

describe('a call that was not carried out', () => {
  const cases: readonly [string, Answer][] = [
    ['status 429', status(429, { 'retry-after': '60' })],
    ['status 503 with a time to return', status(503, { 'retry-after': '60' })],
    ['status 401', status(401)],
    ['status 403', status(403)],
    ['status 404', status(404)],
  ]
  for (const [title, answer] of cases) {
    it(`goes to another server after ${title}`, async () => {
      await using pair = await startPair(answer)

      assert.equal(await outcomeOf(pair, 'pay'), 'b')
      assert.equal(await outcomeOf(pair, 'pay', { server: 'a' }), 'failed')
    })
  }

  it('goes to another server where nothing listens any more', async () => {
    await using pair = await startPair(status(500))
    await pair.first.stop()

    assert.equal(await outcomeOf(pair, 'pay'), 'b')
  })

  it('names the pause that the server asks for, and its server is avoided until then', async () => {
    await using pair = await startPair(status(429, { 'retry-after': '60' }))

    await assert.rejects(pair.fleet.call('pay', {}, { server: 'a' }), {
      code: 'failed',
      status: 429,
      retryAfterMs: 60_000,
    })
    for (let turn = 0; turn < 3; turn += 1) assert.equal(await outcomeOf(pair, 'pay'), 'b')
    assert.equal(pair.first.countOf('tools/call'), 1)
  })

  it('falls back where no server is left', async () => {
    await using pair = await startPair(status(429))
    await pair.second.stop()

    const { content } = await pair.fleet.call('pay', {}, { fallback: ({ code }) => text(`fallback after ${code}`) })

    assert.deepEqual(content, text('fallback after failed').content)
  })
})

describe('a call that was answered', () => {
  it('fails with the error of the server, which is asked no other time', async () => {
    const error = { code: -32_000, message: 'no such city', data: { city: 'Bern' } }
    await using pair = await startPair((request, response, message) =>
      ok('application/json', JSON.stringify({ jsonrpc: '2.0', id: message.id, error }))(request, response, message),
    )

    const failure = await pair.fleet.call('look', {}).catch((thrown: unknown) => thrown)

    assert.ok(failure instanceof FleetError)
    assert.equal(failure.code, 'answered')
    assert.deepEqual(failure.protocol, { code: -32_000, message: 'no such city', data: { city: 'Bern' } })
    assert.equal(pair.second.countOf('tools/call'), 0)
  })
})

describe('a cancelled call', () => {
  it('rejects with the reason of its signal, before and after it was sent', async () => {
    const sent = Promise.withResolvers<void>()
    await using pair = await startPair(() => sent.resolve())
    const controller = new AbortController()

    const call = pair.fleet.call('pay', {}, { signal: controller.signal })
    await sent.promise
    controller.abort(new Error('changed my mind'))

    await assert.rejects(call, { message: 'changed my mind' })
    await assert.rejects(pair.fleet.call('pay', {}, { signal: controller.signal }), { message: 'changed my mind' })
    assert.equal(pair.first.countOf('tools/call'), 1)
  })
})
