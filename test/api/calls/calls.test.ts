import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, it } from 'node:test'
import { startHere } from '../../in-process-daemon.ts'
import { startHttpServer } from '../../outbound/test-servers.ts'
import { answering, as, callable, codeOf, message } from './test-calls.ts'

describe('a call through the registry', () => {
  it('reaches the agent as sent and returns its response', async (t) => {
    const mesh = await callable(t)
    let received = ''
    const target = await mesh.agent((request, response) => {
      received = `${request.method} ${request.url} `
      request.on('data', (chunk: Buffer) => (received += chunk.toString()))
      request.on('end', () => answering()(request, response))
    })
    const body = '{ "jsonrpc": "2.0", "id": 12345678901234567890, "method": "tools/list" }'

    const response = await mesh.call(`${target}/mcp`, { body })

    assert.equal(response.status, 200)
    assert.equal(await response.text(), '{"jsonrpc":"2.0","id":1,"result":{}}')
    assert.equal(received, `POST /mcp ${body}`)
  })

  it('passes content-type, accept and mcp headers, and nothing that identifies the caller', async (t) => {
    const mesh = await callable(t)
    let headers: IncomingMessage['headers'] = {}
    const target = await mesh.agent((request, response) => {
      headers = request.headers
      answering()(request, response)
    })

    await mesh.call(`${target}/mcp`, {
      headers: {
        accept: 'application/json, text/event-stream',
        cookie: 'session=1',
        'content-type': 'application/json; charset=utf-8',
        'mcp-session-id': 'abc',
        'mcp-protocol-version': '2025-11-25',
        'proxy-authorization': 'Basic abc',
        'x-api-key': 'secret',
        'x-forwarded-for': '10.0.0.1',
        'x-mesh-timeout': '5',
      },
    })

    const connection = new Set(['host', 'connection', 'content-length', 'accept-encoding', 'user-agent'])
    const passed = Object.fromEntries(Object.entries(headers).filter(([name]) => !connection.has(name)))
    assert.deepEqual(passed, {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json; charset=utf-8',
      'mcp-session-id': 'abc',
      'mcp-protocol-version': '2025-11-25',
    })
    assert.equal(headers.host, target)
    assert.equal(headers['user-agent'], 'mcp-roster')
  })

  it('returns status, content-type and mcp headers of the agent, as data that no browser stores or runs', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent((_request, response) =>
      response
        .writeHead(404, {
          'content-type': 'text/html',
          'mcp-session-id': 'abc',
          'set-cookie': 'session=1',
          location: 'https://evil.example',
          'cache-control': 'public, max-age=3600',
          'access-control-allow-origin': '*',
          'x-powered-by': 'agent',
        })
        .end('<script>'),
    )

    const { status, headers } = await mesh.call(`${target}/mcp`)

    assert.equal(status, 404)
    const connection = new Set(['connection', 'date', 'keep-alive', 'transfer-encoding'])
    assert.deepEqual(Object.fromEntries([...headers].filter(([name]) => !connection.has(name))), {
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; sandbox",
      'content-type': 'text/html',
      'mcp-session-id': 'abc',
      vary: 'Origin',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
    })
  })

  it('is answered under /api/v1 too, and for a notification without a body', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent((_request, response) => response.writeHead(202).end())

    const headers = { 'content-type': 'application/json', ...as('ops') }
    const response = await mesh.served.get(`/api/v1/proxy/${target}/mcp`, { method: 'POST', headers, body: '{}' })

    assert.deepEqual([response.status, await response.text()], [202, ''])
  })

  it('goes to the address that the first Python runtimes redirect to, and to no other', async (t) => {
    const mesh = await callable(t)
    const redirects = (location: (url: string) => string) => (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === '/mcp')
        response.writeHead(307, { location: location(`http://${request.headers.host}`) }).end()
      else answering()(request, response)
    }
    const python = await mesh.agent(redirects((origin) => `${origin}/mcp/`))
    assert.equal((await mesh.call(`${python}/mcp`)).status, 200)

    for (const [index, location] of [
      (origin: string) => `${origin}/mcp/admin`,
      (origin: string) => `${origin}/mcp/?x=1`,
      (origin: string) => origin.replace('127.0.0.1', '127.0.0.2') + '/mcp/',
      () => 'http://169.254.169.254/mcp/',
      () => '//evil.example/mcp/',
      () => 'file:///etc/passwd',
    ].entries()) {
      const target = await mesh.agent(redirects(location), { id: `redirecting-${index}` })
      assert.equal(await codeOf(await mesh.call(`${target}/mcp`)), '502 call_failed', String(index))
    }
    const looping = await mesh.agent(
      (request, response) => response.writeHead(308, { location: request.url?.endsWith('/') ? '/mcp' : '/mcp/' }).end(),
      { id: 'looping' },
    )
    assert.equal(await codeOf(await mesh.call(`${looping}/mcp`)), '502 call_failed')
  })

  it('leaves one line in the audit log, without arguments', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent(answering({ jsonrpc: '2.0', id: 1, result: 'hello secret-name' }))

    await (await mesh.call(`${target}/mcp`)).text()
    await mesh.call('127.0.0.1:1/mcp')
    await mesh.call(`${target}/mcp`, { as: 'root' })
    await mesh.served.get(`/proxy/${target}/mcp`, { method: 'POST' })

    const [forwarded, ...rejected] = mesh.audit().map(({ ms, ...fields }) => (assert.ok(Number(ms) >= 0), fields))
    assert.deepEqual(forwarded, {
      audit: true,
      principal: 'ops',
      method: 'tools/call',
      tool: 'greet',
      request_bytes: JSON.stringify(message).length,
      agent: 'greeter',
      url: `http://${target}/mcp`,
      status: 200,
      response_bytes: 53,
      end: 'complete',
      message: 'call forwarded',
    })
    assert.deepEqual(
      rejected.map(({ principal, status, end, message: event }) => [principal, status, end, event]),
      [
        ['ops', 404, 'call_target_not_found', 'call rejected'],
        ['root', 403, 'right_required', 'call rejected'],
      ],
    )
    assert.doesNotMatch(JSON.stringify(mesh.audited), /secret-name/)
  })

  it('is refused while calls are disabled, without a token, and for tokens without the right', async (t) => {
    const off = await callable(t, { calls: { enabled: false } })
    const mesh = await callable(t)
    let calls = 0
    const count = (_request: IncomingMessage, response: ServerResponse) => (calls++, response.end())
    const [offTarget, target] = [await off.agent(count), await mesh.agent(count)]

    assert.equal(await codeOf(await off.call(`${offTarget}/mcp`)), '403 calls_disabled')
    const anonymous = await mesh.call(`${target}/mcp`, { headers: { authorization: '' } })
    assert.equal(await codeOf(await mesh.call(`${target}/mcp`, { as: 'root' })), '403 right_required')
    assert.equal(await codeOf(await mesh.call(`${target}/mcp`, { as: 'stranger' })), '401 token_invalid')
    assert.equal(anonymous.status, 401)
    assert.equal(calls, 0)
  })

  it('needs a token even where a request without one is an admin', async (t) => {
    const url = await startHttpServer(t, answering())
    await using daemon = await startHere('store: { type: memory }\ncalls: { enabled: true, allow: [127.0.0.0/8] }\n')
    await daemon.ask('POST', '/agents', { id: 'greeter', endpoint: url })

    const { status, body } = await daemon.ask('POST', `/proxy/${new URL(url).host}/mcp`, message)

    assert.equal(status, 401)
    assert.equal(body['right_needed'], 'call')
    assert.match(String(body['detail']), /auth\.tokens\[\]\.call/)
  })

  it('is allowed and forbidden by a reload, without a restart', async (t) => {
    const url = await startHttpServer(t, answering())
    const path = `/proxy/${new URL(url).host}/mcp`
    const config = (allow: string, call = true) =>
      `store: { type: memory }\nauth: { anonymous: registrar, tokens: [{ name: ops, token: token-ops, call: ${call} }] }\ncalls: { enabled: true, allow: [${allow}] }\n`
    await using daemon = await startHere(config(''))
    await daemon.ask('POST', '/agents', { id: 'greeter', endpoint: url })
    const status = async () => (await daemon.ask('POST', path, message, as('ops'))).body['code'] ?? 'called'

    const statuses = [await status()]
    for (const text of [config('127.0.0.0/8'), config('10.0.0.0/8'), config('127.0.0.1', false)]) {
      await daemon.reload(text)
      statuses.push(await status())
    }

    assert.deepEqual(statuses, ['call_address_forbidden', 'called', 'call_address_forbidden', 'right_required'])
  })

  it('ends when the daemon stops', async (t) => {
    const url = await startHttpServer(t, (_request, response) => response.writeHead(200).write('begun'))
    const daemon = await startHere(
      'store: { type: memory }\nauth: { anonymous: registrar, tokens: [{ name: ops, token: token-ops, call: true }] }\ncalls: { enabled: true, allow: [127.0.0.1] }\n',
    )
    await daemon.ask('POST', '/agents', { id: 'greeter', endpoint: url })
    const headers = { 'content-type': 'application/json', ...as('ops') }
    const response = await daemon.get(`/proxy/${new URL(url).host}/mcp`, { method: 'POST', headers, body: '{}' })

    const start = performance.now()
    await daemon[Symbol.asyncDispose]()

    await assert.rejects(response.text())
    assert.ok(performance.now() - start < 5000)
  })

  it('is refused to pages of other origins, before anything is sent', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent(answering())

    const response = await mesh.call(`${target}/mcp`, { headers: { origin: 'https://evil.example' } })

    assert.equal(await codeOf(response), '403 origin_forbidden')
  })

  it('is limited in number, for all tokens and for each', async (t) => {
    const mesh = await callable(t, { calls: { max_concurrent: 3, max_concurrent_per_token: 2 } })
    const waiting: ServerResponse[] = []
    const target = await mesh.agent((_request, response) => {
      response.writeHead(200).flushHeaders()
      waiting.push(response)
    })
    const call = (name: string) => mesh.call(`${target}/mcp`, { as: name })
    const open = [await call('ops'), await call('ops')]

    assert.equal(await codeOf(await call('ops')), '429 token_call_limit_reached')
    open.push(await call('reader'))
    assert.equal(await codeOf(await call('reader')), '503 call_limit_reached')
    for (const response of waiting) response.end()
    await Promise.all(open.map((response) => response.text()))
    const last = await call('ops')
    waiting.at(-1)?.end()
    assert.equal(last.status, 200)
  })

  it('is POST only', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent(answering())

    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH'])
      assert.equal((await mesh.send(method, `/proxy/${target}/mcp`, undefined, as('ops'))).status, 405, method)
  })

  it('must be JSON', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent(answering())
    const refusal = async (options: Parameters<typeof mesh.call>[1]) =>
      codeOf(await mesh.call(`${target}/mcp`, options))

    assert.equal(await refusal({ body: 'tools/call' }), '400 body_not_json')
    assert.equal(await refusal({ body: '' }), '400 body_empty')
    assert.equal(await refusal({ headers: { 'content-type': 'text/plain' } }), '415 unsupported_media_type')
    assert.equal(await refusal({ headers: { 'content-type': 'application/json-patch' } }), '415 unsupported_media_type')
  })

  it('is aborted at the agent when the caller disconnects', async (t) => {
    const mesh = await callable(t)
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    const target = await mesh.agent((_request, response) => {
      response.on('close', resolve)
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': begun\n\n')
    })
    const leaving = new AbortController()
    const response = await mesh.call(`${target}/mcp`, { signal: leaving.signal })
    await response.body?.getReader().read()

    leaving.abort()
    await aborted

    while (mesh.audit().length === 0) await new Promise(setImmediate)
    assert.equal(mesh.audit()[0]?.['end'], 'gone')
  })

  it('is aborted at the agent when the caller disconnects before the response begins', async (t) => {
    const mesh = await callable(t)
    const arrived = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    const target = await mesh.agent((request) => {
      request.on('close', aborted.resolve)
      arrived.resolve()
    })
    const leaving = new AbortController()
    const failing = assert.rejects(mesh.call(`${target}/mcp`, { signal: leaving.signal }))
    await arrived.promise

    leaving.abort()
    await aborted.promise

    await failing
    while (mesh.audit().length === 0) await new Promise(setImmediate)
    assert.equal(mesh.audit()[0]?.['end'], 'gone')
  })

  it('passes an event stream on event by event', async (t) => {
    const mesh = await callable(t)
    const responses = Promise.withResolvers<ServerResponse>()
    const target = await mesh.agent((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      responses.resolve(response)
    })
    const response = await mesh.call(`${target}/mcp`)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    const agent = await responses.promise

    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      agent.write(event)
      assert.equal((await reader?.read())?.value, event)
    }
    agent.end()

    assert.equal((await reader?.read())?.done, true)
  })
})
