import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { after, describe, it, type TestContext } from 'node:test'
import { serve, type ServerType } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { createProbe, type ProbeOutcome } from '../../../src/health/probes/probe.ts'
import type { Reach } from '../../../src/model/change.ts'
import { openHttpClient } from '../../../src/outbound/http-client.ts'
import { registered } from '../../made.ts'

const door = openHttpClient()
after(async () => door.close())

type Fields = Parameters<typeof registered>[0]

function prober() {
  const probe = createProbe({ door })
  return async (
    fields: Fields,
    options: { timeoutMs?: number; reach?: Reach; learn?: boolean; signal?: AbortSignal } = {},
  ): Promise<ProbeOutcome> => {
    const { reach = 'any', timeoutMs = 10_000, learn = true, signal = new AbortController().signal } = options
    return probe({ ...registered(fields), reach }, { timeoutMs, learn, signal })
  }
}

const resultOf = ({ ok, reason }: ProbeOutcome) => ({ ok, reason })

/** The public reference server, as its users start it. */
async function everything(
  t: TestContext,
  transport: 'streamableHttp' | 'sse',
): Promise<{ port: number; child: ChildProcess }> {
  const entry = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')
  const port = await freePort()
  const child = spawn(process.execPath, [entry, transport], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  await new Promise<void>((resolve) => {
    // It keeps writing: without a reader its pipe would break.
    child.stderr.on('data', (text) => String(text).includes(`port ${port}`) && resolve())
  })
  return { port, child }
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown

async function farEnd(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** A server of the newest revision, built with the SDK; records the methods of its requests. */
async function modern(t: TestContext, build: (server: McpServer) => void = () => undefined) {
  const methods: string[] = []
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'made', version: '1.2.3' })
    build(server)
    return server
  })
  const listening = Promise.withResolvers<AddressInfo>()
  const server: ServerType = serve(
    {
      hostname: '127.0.0.1',
      port: 0,
      async fetch(request) {
        const { method = request.method } = (await request
          .clone()
          .json()
          .catch(() => ({}))) as { method?: string }
        methods.push(method)
        return handler.fetch(request)
      },
    },
    listening.resolve,
  )
  t.after(() => server.close())
  return { url: `http://127.0.0.1:${(await listening.promise).port}/mcp`, methods }
}

describe('mcp probe of a real server', () => {
  it('learns protocol, version and tools over Streamable HTTP', async (t) => {
    const { port, child } = await everything(t, 'streamableHttp')
    const probe = prober()
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
    const { port } = await everything(t, 'sse')
    for (const type of ['http', 'sse'] as const) {
      const probe = prober()
      const finding = await probe({ url: `http://127.0.0.1:${port}/sse`, type })

      assert.deepEqual(resultOf(finding), { ok: true, reason: 'ok' }, type)
      assert.equal(finding.protocol_version, '2025-11-25')
      assert.ok(finding.capabilities?.some(({ name }) => name === 'echo'))
    }
  })

  it('needs one request for a server of revision 2026-07-28', async (t) => {
    const { url, methods } = await modern(t, (server) => {
      server.registerTool('add', { description: 'adds' }, () => ({ content: [] }))
    })
    const probe = prober()

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

  it('remembers the protocol, closes its sessions, and starts over when the protocol fails', async (t) => {
    const { port } = await everything(t, 'streamableHttp')
    const seen: string[] = []
    let target = `http://127.0.0.1:${port}/mcp`
    const url = await farEnd(t, async (request, response) => {
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
    const probe = prober()

    await probe({ url }, { learn: false })
    assert.deepEqual(seen.splice(0), ['server/discover', 'initialize', 'notifications/initialized', 'ping', 'DELETE'])
    await probe({ url }, { learn: false })
    assert.deepEqual(seen.splice(0), ['initialize', 'notifications/initialized', 'ping', 'DELETE'])

    target = (await modern(t)).url
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
    const url = await farEnd(t, (request, response) => answers[request.url ?? '']?.(request, response))
    for (const type of ['http', 'sse'] as const) {
      for (const [path, [ok, reason]] of Object.entries(expected)) {
        const waits = reason === 'timeout'
        const finding = await prober()({ url: url + path, type }, { timeoutMs: waits ? 600 : 10_000 })

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
    const probe = prober()

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
    const url = await farEnd(t, (_, response) => {
      arrived.resolve()
      response.on('close', gone.resolve)
    })
    const abort = new AbortController()
    const probe = prober()({ url }, { timeoutMs: 60_000, signal: abort.signal })
    await arrived.promise
    abort.abort()

    assert.equal((await probe).ok, false)
    await gone.promise
  })
})

describe('probe headers', () => {
  it('are the server’s own, only for its own origin, without unresolved placeholders', async (t) => {
    const seen: Record<string, string | string[] | undefined>[] = []
    const url = await farEnd(t, ({ headers }, response) => {
      seen.push(headers)
      response.writeHead(401).end()
    })
    const other = await farEnd(t, ({ headers }, response) => {
      seen.push(headers)
      response.end()
    })
    const headers = { Authorization: 'Bearer mine', 'X-Open': '${TOKEN}', Accept: 'nonsense' }
    const probe = prober()

    await probe({ url, headers })
    assert.equal(seen[0]?.['authorization'], 'Bearer mine')
    assert.equal(seen[0]?.['x-open'], undefined)
    assert.equal(seen[0]?.['accept'], 'application/json, text/event-stream')
    await probe({ url, headers, health_check: 'http', health_check_url: `${url}/health` })
    assert.equal(seen[1]?.['authorization'], 'Bearer mine')
    await probe({ url, headers, health_check: 'http', health_check_url: `${other}/health` })
    assert.equal(seen[2]?.['authorization'], undefined)
  })
})

describe('http probe', () => {
  it('accepts a 2xx or 401, and reads only the beginning of the body', async (t) => {
    const gone = Promise.withResolvers<void>()
    let sent = 0
    const url = await farEnd(t, (request, response) => {
      if (request.url === '/302') return response.writeHead(302, { location: '/200' }).end()
      if (request.url !== '/endless') return response.writeHead(Number(request.url?.slice(1))).end()
      response.on('close', gone.resolve)
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent += 65_536
      }
      response.on('drain', pour)
      return pour()
    })
    const probePath = async (path: string) =>
      resultOf(await prober()({ health_check_url: url + path, health_check: 'http' }))

    assert.deepEqual(await probePath('/200'), { ok: true, reason: 'ok' })
    assert.deepEqual(await probePath('/204'), { ok: true, reason: 'ok' })
    assert.deepEqual(await probePath('/302'), { ok: false, reason: 'http_status' })
    assert.deepEqual(await probePath('/404'), { ok: false, reason: 'http_status' })
    assert.deepEqual(await probePath('/503'), { ok: false, reason: 'http_status' })
    assert.deepEqual(await probePath('/401'), { ok: true, reason: 'auth_required' })
    assert.deepEqual(await probePath('/endless'), { ok: true, reason: 'ok' })
    await gone.promise
    assert.ok(sent < 20_000_000, `${sent} bytes were sent`)
  })

  it('does not wait for an endless body', async (t) => {
    const url = await farEnd(t, (request, response) => {
      response.writeHead(200).write('.')
      if (request.url === '/held') return
      const drip = setInterval(() => response.write('.'), 10)
      response.on('close', () => clearInterval(drip))
    })
    for (const path of ['/held', '/drip']) {
      const finding = await prober()({ health_check_url: url + path, health_check: 'http' })
      assert.deepEqual(resultOf(finding), { ok: true, reason: 'ok' }, path)
      assert.ok(finding.response_time_ms < 5000, path)
    }
  })

  it('reports why there was no response', async (t) => {
    const url = await farEnd(t, () => undefined)
    const probe = prober()

    assert.equal((await probe({ health_check_url: url, health_check: 'http' }, { timeoutMs: 100 })).reason, 'timeout')
    assert.equal((await probe({ health_check_url: 'http://127.0.0.1:1/', health_check: 'http' })).reason, 'refused')
  })
})

describe('tcp probe', () => {
  it('succeeds when the port accepts a connection', async (t) => {
    const url = await farEnd(t, () => undefined)
    const probe = prober()

    assert.deepEqual(resultOf(await probe({ url, health_check: 'tcp' })), { ok: true, reason: 'ok' })
    assert.equal((await probe({ url: 'http://127.0.0.1:1/', health_check: 'tcp' })).reason, 'refused')
    assert.equal((await probe({ url, health_check: 'tcp' }, { reach: 'private' })).reason, 'blocked')
  })
})

describe('probe of a server that cannot be probed', () => {
  it('fails with the reason, without a request', async () => {
    const probe = prober()

    assert.equal((await probe({ enabled: false })).reason, 'disabled')
    assert.equal((await probe({ health_check: 'none' })).reason, 'not_checkable')
    assert.equal((await probe({ url: 'http://${HOST}/mcp' })).reason, 'not_checkable')
  })
})
