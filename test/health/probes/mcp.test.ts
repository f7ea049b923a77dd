import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { describe, it } from 'node:test'
import * as z from 'zod'
import {
  type Answer,
  createProber,
  resultOf,
  startModernServer,
  startReferenceServer,
  startServer,
  textOf,
} from './probed-servers.ts'

describe('mcp probe of a real server', () => {
  it('learns protocol, version and tools over Streamable HTTP', async (t) => {
    const { port, child } = await startReferenceServer(t, 'streamableHttp')
    const probe = createProber()
    const fields = { url: `http://127.0.0.1:${port}/mcp` }

    const finding = await probe(fields)

    assert.deepEqual(resultOf(finding), { ok: true, reason: 'ok' })
    assert.equal(finding.protocol_version, '2025-11-25')
    assert.match(finding.version ?? '', /^\d/)
    const echo = finding.capabilities?.find(({ name }) => name === 'echo')
    assert.equal(echo?.kind, 'tool')
    assert.equal(echo.origin, 'introspected')
    assert.equal(echo.description, 'Echoes back the input string')
    assert.deepEqual(echo.input_schema?.['required'], ['message'])
    assert.ok(finding.response_time_ms > 0)
    assert.deepEqual(resultOf(await probe(fields, { learn: false })), { ok: true, reason: 'ok' })

    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.deepEqual(resultOf(await probe(fields)), { ok: false, reason: 'refused' })
  })

  it('works over HTTP+SSE, announced or not', async (t) => {
    const { port } = await startReferenceServer(t, 'sse')
    for (const type of ['http', 'sse'] as const) {
      const probe = createProber()
      const finding = await probe({ url: `http://127.0.0.1:${port}/sse`, type })

      assert.deepEqual(resultOf(finding), { ok: true, reason: 'ok' }, type)
      assert.equal(finding.protocol_version, '2025-11-25')
      assert.ok(finding.capabilities?.some(({ name }) => name === 'echo'))
    }
  })

  it('needs one request for a server of revision 2026-07-28', async (t) => {
    const { url, methods } = await startModernServer(t, (server) => {
      server.registerTool('add', { description: 'adds' }, () => ({ content: [] }))
    })
    const probe = createProber()

    const finding = await probe({ url })

    assert.deepEqual(resultOf(finding), { ok: true, reason: 'ok' })
    assert.equal(finding.protocol_version, '2026-07-28')
    assert.equal(finding.version, '1.2.3')
    assert.deepEqual(
      finding.capabilities?.map(({ name }) => name),
      ['add'],
    )
    assert.deepEqual(methods, ['server/discover', 'tools/list'])
    await probe({ url }, { learn: false })
    assert.deepEqual(methods.slice(2), ['server/discover'])
  })

  it('learns prompts with their arguments, resources with their type, and extensions beside the tools', async (t) => {
    const { url, methods } = await startModernServer(
      t,
      (server) => {
        server.registerTool('add', { description: 'adds' }, () => ({ content: [] }))
        const argsSchema = z.object({ first: z.string().describe('One of two.'), second: z.string().optional() })
        server.registerPrompt('add', { description: 'asks for a sum', argsSchema }, () => ({ messages: [] }))
        const about = { title: 'All sums', mimeType: 'text/csv' }
        server.registerResource('sums', 'db://user:c4nary@host/sums', about, () => ({ contents: [] }))
      },
      { capabilities: { extensions: { 'io.modelcontextprotocol/ui': {} } } },
    )

    const { capabilities = [] } = await createProber()({ url })

    assert.deepEqual(
      capabilities.map(({ kind, name, origin }) => `${kind} ${name} ${origin}`),
      [
        'tool add introspected',
        'prompt add introspected',
        'resource db://user:<redacted>@host/sums introspected',
        'extension io.modelcontextprotocol/ui introspected',
      ],
    )
    assert.deepEqual(methods, ['server/discover', 'tools/list', 'prompts/list', 'resources/list'])
    const [, prompt, resource] = capabilities
    assert.equal(prompt?.description, 'asks for a sum')
    assert.deepEqual(prompt?.input_schema, {
      type: 'object',
      properties: { first: { type: 'string', description: 'One of two.' }, second: { type: 'string' } },
      required: ['first'],
    })
    assert.deepEqual([resource?.description, resource?.mime_type], ['All sums', 'text/csv'])
  })

  it('says which lists failed, and keeps the others', async (t) => {
    const { url } = await startModernServer(t, (server) => {
      server.registerTool('add', {}, () => ({ content: [] }))
      server.registerPrompt('ask', {}, () => ({ messages: [] }))
      server.server.setRequestHandler('prompts/list', () => Promise.reject(new Error('no prompts today')))
    })

    const { ok, capabilities, unlisted } = await createProber()({ url })

    assert.deepEqual([ok, capabilities?.map(({ name }) => name), unlisted], [true, ['add'], ['prompt']])
  })

  it('keeps a discover result that the server calls public, unless it sent credentials', async (t) => {
    const hint = (cacheScope: 'public' | 'private', ttlMs: number) => ({
      cacheHints: { 'server/discover': { cacheScope, ttlMs } },
    })
    const [open, own, stale] = await Promise.all(
      [hint('public', 60_000), hint('private', 60_000), hint('public', 0)].map((options) =>
        startModernServer(t, () => undefined, options),
      ),
    )
    const probe = createProber()
    const discoveryOf = async (fields: object) => (await probe(fields, { learn: false })).discovery

    const discovery = await discoveryOf({ url: open?.url })
    assert.equal(discovery?.ttlMs, 60_000)
    assert.deepEqual(discovery.result['supportedVersions'], ['2026-07-28'])
    assert.ok((await probe({ url: open?.url })).discovery)
    for (const fields of [
      { url: own?.url },
      { url: stale?.url },
      { url: open?.url, headers: { authorization: 'Bearer x' } },
      { url: open?.url.replace('//', '//user:c4nary@') },
      { url: `${open?.url}?api_key=c4nary` },
    ])
      assert.equal(await discoveryOf(fields), undefined, JSON.stringify(fields))
  })

  it('remembers the protocol, closes its sessions, and starts over when the protocol fails', async (t) => {
    const { port } = await startReferenceServer(t, 'streamableHttp')
    const seen: string[] = []
    let target = `http://127.0.0.1:${port}/mcp`
    const url = await startServer(t, async (request, response) => {
      const body = await textOf(request)
      seen.push(body ? (JSON.parse(body) as { method: string }).method : (request.method ?? ''))
      const headers = Object.entries(request.headers).filter(([name]) => /^(mcp-|accept$|content-type)/.test(name))
      const answer = await fetch(target, {
        method: request.method ?? 'GET',
        headers: Object.fromEntries(headers) as Record<string, string>,
        ...(body ? { body } : {}),
      })
      const session = answer.headers.get('mcp-session-id')
      const type = answer.headers.get('content-type')
      response.writeHead(answer.status, {
        ...(session ? { 'mcp-session-id': session } : {}),
        ...(type ? { 'content-type': type } : {}),
      })
      response.end(await answer.text())
    })
    const probe = createProber()

    await probe({ url }, { learn: false })
    assert.deepEqual(seen.splice(0), ['server/discover', 'initialize', 'notifications/initialized', 'ping', 'DELETE'])
    await probe({ url }, { learn: false })
    assert.deepEqual(seen.splice(0), ['initialize', 'notifications/initialized', 'ping', 'DELETE'])

    target = (await startModernServer(t)).url
    assert.equal((await probe({ url }, { learn: false })).ok, true)
    assert.equal((await probe({ url }, { learn: false })).ok, true)
  })
})

describe('mcp probe of other endpoints', () => {
  const answers: Record<string, Answer> = {
    '/401': (_, response) => response.writeHead(401, { 'www-authenticate': 'Bearer' }).end('SECRET'),
    '/403': (_, response) => response.writeHead(403).end(),
    '/page': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>SECRET</html>'),
    '/page-for-readers': ({ method }, response) =>
      method === 'GET'
        ? response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>')
        : response.writeHead(405).end(),
    '/json': (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}'),
    '/404': (_, response) => response.writeHead(404).end(),
    '/405': (_, response) => response.writeHead(405).end(),
    '/500': (_, response) => response.writeHead(500).end(),
    '/503': (_, response) => response.writeHead(503).end(),
    '/429': (_, response) => response.writeHead(429).end(),
    '/elsewhere': (_, response) => response.writeHead(307, { location: '/401' }).end(),
    '/error': async (request, response) => {
      const { id } = JSON.parse((await textOf(request)) || '{}') as { id?: unknown }
      const error = { jsonrpc: '2.0', id, error: { code: -32603, message: 'SECRET' } }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(error))
    },
    '/endless': (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'a')));
      }
      response.on('drain', pour)
      pour()
    },
    '/silent': () => undefined,
    '/drip': (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const drip = setInterval(() => response.write(': still here\n\n'), 10)
      response.on('close', () => clearInterval(drip))
    },
  }
  const expected = {
    '/401': [true, 'auth_required'],
    '/403': [true, 'auth_required'],
    '/page': [false, 'not_mcp'],
    '/page-for-readers': [false, 'not_mcp'],
    '/json': [false, 'not_mcp'],
    '/404': [false, 'http_status'],
    '/405': [false, 'http_status'],
    '/500': [false, 'http_status'],
    '/503': [false, 'http_status'],
    '/429': [false, 'http_status'],
    '/elsewhere': [false, 'http_status'],
    '/error': [false, 'protocol'],
    '/endless': [false, 'protocol'],
    '/silent': [false, 'timeout'],
    '/drip': [false, 'timeout'],
  } as const

  it('classifies each by one reason, whichever protocol it starts with, within one deadline', async (t) => {
    const url = await startServer(t, (request, response) => answers[request.url ?? '']?.(request, response))
    for (const type of ['http', 'sse'] as const) {
      for (const [path, [ok, reason]] of Object.entries(expected)) {
        const waits = reason === 'timeout'
        const finding = await createProber()({ url: url + path, type }, { timeoutMs: waits ? 600 : 10_000 })

        assert.deepEqual(resultOf(finding), { ok, reason }, `${type} ${path}`)
        assert.ok(finding.response_time_ms < (waits ? 1700 : 5000), `${path} took ${finding.response_time_ms} ms`)
        assert.doesNotMatch(JSON.stringify(finding), /SECRET/)
      }
    }
  })

  it('classifies connection failures', async (t) => {
    const silent = createTcpServer(() => undefined).listen(0, '127.0.0.1')
    const garbage = createTcpServer((socket) => socket.on('error', () => undefined).end('SSH-2.0-OpenSSH\r\n'))
    garbage.listen(0, '127.0.0.1')
    await Promise.all([once(silent, 'listening'), once(garbage, 'listening')])
    t.after(() => {
      silent.close()
      garbage.close()
    })
    const port = (server: typeof silent) => (server.address() as AddressInfo).port
    const probe = createProber()

    assert.equal((await probe({ url: 'http://127.0.0.1:1/mcp' })).reason, 'refused')
    assert.equal((await probe({ url: 'http://no-such-host.invalid/mcp' })).reason, 'dns')
    assert.equal((await probe({ url: 'http://169.254.169.254/mcp' })).reason, 'blocked')
    assert.equal((await probe({ url: 'http://127.0.0.1:1/mcp' }, { reach: 'private' })).reason, 'blocked')
    assert.equal((await probe({ url: `http://127.0.0.1:${port(garbage)}/mcp` })).reason, 'protocol')
    assert.equal((await probe({ url: `https://127.0.0.1:${port(garbage)}/mcp` })).reason, 'tls')
    assert.equal((await probe({ url: `http://127.0.0.1:${port(silent)}/mcp` }, { timeoutMs: 200 })).reason, 'timeout')
  })

  it('ends at once when cancelled', async (t) => {
    const arrived = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const url = await startServer(t, (_, response) => {
      arrived.resolve()
      response.on('close', gone.resolve)
    })
    const abort = new AbortController()
    const probe = createProber()({ url }, { timeoutMs: 60_000, signal: abort.signal })
    await arrived.promise
    abort.abort()

    assert.equal((await probe).ok, false)
    await gone.promise
  })
})
