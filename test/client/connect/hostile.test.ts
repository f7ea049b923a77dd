import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { connectServers, FleetError, type FleetOptions } from '../../../src/client/connect/index.ts'
import { type RpcMessage, startMcp, text } from './mcp-servers.ts'
import { createServerFile } from './server-file.ts'

type Answer = (request: IncomingMessage, response: ServerResponse, message: RpcMessage) => unknown

const quiet = { health_check: 'none' }
/** 80 MiB of text in a few hundred kilobytes. */
const blank = gzipSync(Buffer.alloc(80 * 1024 * 1024, ' '), { level: 1 })
const bombs = { document: blank, event: Buffer.concat([gzipSync('data: '), blank]) }

/** A fleet of a sound server and of one that answers `method` its own way. */
async function startBeside(method: string, answer: Answer, options: Partial<FleetOptions> = {}) {
  await using stack = new AsyncDisposableStack()
  let onCall: ((name: unknown) => void) | undefined
  const started = stack.use(
    await startMcp({
      name: 'hostile',
      build: (server) => server.registerTool('trap', {}, () => text('caught')),
      intercept(request, response, message) {
        if (message.method === 'tools/call' && onCall) {
          onCall((message.params as { name?: unknown }).name)
          const result = { ...text('called'), resultType: 'complete' }
          const answered = { jsonrpc: '2.0', id: message.id, result }
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answered))
          return true
        }
        if (message.method !== method) return false
        answer(request, response, message)
        return true
      },
    }),
  )
  /** `answerCalls`: whatever tool is called has a result. */
  const hostile = { ...started, answerCalls: (note: (name: unknown) => void) => void (onCall = note) }
  const sound = stack.use(await startMcp({ name: 'sound' }))
  const place = stack.use(
    await createServerFile({ hostile: { url: hostile.url, ...quiet }, sound: { url: sound.url, ...quiet } }),
  )
  const fleet = stack.use(await connectServers({ roster: place.daemon.url, autoReconnect: false, ...options }))
  const owned = stack.move()

  /** The sound server answers, and its connection was never lost. */
  async function check(): Promise<void> {
    assert.deepEqual((await fleet.call('forecast')).content, text('sunny').content)
    assert.equal(sound.countOf('server/discover'), 1)
  }

  return { fleet, hostile, check, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Lists tools in pages; `pageOf` says what follows a cursor. */
function listing(pageOf: (cursor: string | undefined) => { tools: object[]; nextCursor?: string }): Answer {
  return (_, response, { id, params }) => {
    const result = { ...pageOf(params?.cursor), resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ jsonrpc: '2.0', id, result }))
  }
}

const tool = (name: string, description = '') => ({ name, description, inputSchema: { type: 'object' } })

describe('the tools of a hostile server', () => {
  it('are read until a page comes again', async () => {
    const next: Readonly<Record<string, string>> = { first: 'second', second: 'third', third: 'first' }
    const answer = listing((cursor = 'first') => ({ tools: [tool(`of_${cursor}`)], nextCursor: next[cursor]! }))
    await using beside = await startBeside('tools/list', answer)

    assert.equal(beside.fleet.get('hostile')?.tools, 3)
    assert.equal(beside.hostile.countOf('tools/list'), 4)
    await beside.check()
  })

  it('are given up where the pages do not end in time', async () => {
    const answer: Answer = (request, response, message) =>
      setTimeout(
        () =>
          listing((cursor = '0') => ({ tools: [tool(`t${cursor}`)], nextCursor: `${Number(cursor) + 1}` }))(
            request,
            response,
            message,
          ),
        20,
      )
    const began = performance.now()
    await using beside = await startBeside('tools/list', answer, { connectTimeoutMs: 300 })

    assert.ok(performance.now() - began < 5000)
    const { state, reason } = beside.fleet.get('hostile')!
    assert.deepEqual([state, reason], ['error', 'no answer in time'])
    await beside.check()
  })

  it('are left out beyond 32 MiB of definitions', async () => {
    const large = 'x'.repeat(5 * 1024 * 1024)
    const answer = listing((cursor = '0') => ({
      tools: [tool(`small_${cursor}`), tool(`large_${cursor}`, large)],
      nextCursor: `${Number(cursor) + 1}`,
    }))
    await using beside = await startBeside('tools/list', answer)

    const { state, tools, tools_omitted: omitted } = beside.fleet.get('hostile')!
    assert.deepEqual([state, tools, omitted], ['connected', 13, 1])
    assert.equal(beside.hostile.countOf('tools/list'), 7)
    await beside.check()
  })

  it('are called by names that every framework takes, whatever they are', async () => {
    const names = ['', ' ', '__proto__', 'constructor', '../a', 'a\n\u001B[2J', '\u202Eevil', '💥', 'x'.repeat(5000)]
    const called: unknown[] = []
    await using beside = await startBeside(
      'tools/list',
      listing(() => ({ tools: names.map((name) => tool(name)) })),
    )
    const { fleet, hostile } = beside
    hostile.answerCalls((name) => called.push(name))

    const listed = fleet.toolList().filter(({ server }) => server === 'default/hostile')
    for (const { name } of listed) await fleet.call(name)

    assert.deepEqual(called, names)
    assert.equal(new Set(listed.map(({ name }) => name)).size, names.length)
    for (const { name } of listed) assert.match(name, /^[A-Za-z][A-Za-z0-9_-]{0,63}$/)
    assert.equal(Object.keys(fleet.tools('ai-sdk')).length, names.length + 1)
    await beside.check()
  })

  it('are read once a second where it tells of changes without a pause', async () => {
    await using beside = await startBeside('subscriptions/listen', (_, response, { id }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const told = {
        jsonrpc: '2.0',
        method: 'notifications/tools/list_changed',
        params: { _meta: { subscriptionId: id } },
      }
      const flood = `data: ${JSON.stringify(told)}\n\n`.repeat(100)
      const timer = setInterval(() => response.write(flood), 1)
      response.once('close', () => clearInterval(timer))
    })

    const began = performance.now()
    while (performance.now() - began < 500) await beside.check()

    assert.ok(beside.hostile.countOf('tools/list') <= 2)
  })
})

/** Answers with 80 MiB, compressed. */
function bomb(status: number, type: string): Answer {
  return (_, response) => {
    const body = type === 'text/event-stream' ? bombs.event : bombs.document
    response.writeHead(status, { 'content-type': type, 'content-encoding': 'gzip', 'content-length': body.length })
    response.end(body)
  }
}

describe('an answer of a hostile server', () => {
  const endless: Answer = (_, response) => {
    const timer = setInterval(() => response.write(' '), 5)
    response.once('close', () => clearInterval(timer))
  }
  const cases: readonly [string, Answer, RegExp, number?][] = [
    ['a JSON document of 80 MiB, compressed', bomb(200, 'application/json'), /longer than 67108864 bytes/],
    ['an event of 80 MiB, compressed', bomb(200, 'text/event-stream'), /longer than 67108864 bytes/],
    ['an error page of 80 MiB, compressed', bomb(500, 'text/html'), /longer than 67108864 bytes|status 500/],
    [
      'a document that drips without end',
      (request, response, message) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        endless(request, response, message)
      },
      /no answer in time/,
      200,
    ],
    [
      'a stream of notifications without end',
      (_, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        const note = { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'spam' } }
        const flood = `data: ${JSON.stringify(note)}\n\n`.repeat(100)
        const timer = setInterval(() => response.write(flood), 1)
        response.once('close', () => clearInterval(timer))
      },
      /no answer in time/,
      200,
    ],
  ]
  for (const [title, answer, reason, timeoutMs = 10_000] of cases) {
    it(`is cut with its reason, and other servers are not touched: ${title}`, async () => {
      await using beside = await startBeside('tools/call', answer)
      const before = process.memoryUsage.rss()

      const failure = await beside.fleet.call('trap', {}, { timeoutMs }).catch((error: unknown) => error)

      assert.ok(failure instanceof FleetError, String(failure))
      assert.equal(failure.code, 'unknown')
      assert.match(failure.message, reason)
      assert.ok(process.memoryUsage.rss() - before < 400 * 1024 * 1024)
      await beside.check()
    })
  }

  it('fails the connection where its headers do not end', async () => {
    const listener = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.write('HTTP/1.1 200 OK\r\nx-long: ')
      const timer = setInterval(() => socket.write('x'.repeat(1000)), 1)
      socket.once('close', () => clearInterval(timer))
    })
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/mcp`
    await using place = await createServerFile({ hostile: { url, ...quiet } })
    await using fleet = await connectServers({ roster: place.daemon.url, autoReconnect: false })
    listener.close()

    assert.equal(fleet.get('hostile')?.reason, 'the headers of the answer are too long')
  })
})

describe('a redirect of a hostile server', () => {
  const methods = ['server/discover', 'tools/list', 'tools/call', 'GET']
  for (const status of [302, 307]) {
    it(`to another origin is not followed, so that no credentials get there: status ${status}`, async () => {
      await using thief = await startMcp({ name: 'thief' })
      for (const method of methods) {
        await using beside = await startBeside(
          method,
          (_, response) => response.writeHead(status, { location: thief.url }).end(),
          { credentials: () => ({ headers: { 'x-api-key': 'my-secret-key', authorization: 'Bearer my-secret' } }) },
        )
        await beside.fleet.call('trap', {}, { server: 'hostile', timeoutMs: 1000 }).catch(() => undefined)
        await beside.check()
      }

      assert.deepEqual(thief.headers, [])
    })
  }
})
