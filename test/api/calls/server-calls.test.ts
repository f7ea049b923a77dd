import assert from 'node:assert/strict'
import { request as forward } from 'node:http'
import { describe, it } from 'node:test'
import { fromJsonSchema } from '@modelcontextprotocol/server'
import { startMcp } from '../../client/connect/mcp-servers.ts'
import { startReferenceServer } from '../../health/probes/probed-servers.ts'
import { startHere } from '../../in-process-daemon.ts'
import { as, auth, type Outcome, startHttp, startWith } from './called-servers.ts'

const secret = 'sesame-0123456789'

describe('a call of a tool through the daemon', () => {
  it('reaches servers of both protocols and of the older streams, with their credentials, and removes these from the result', async (t) => {
    await using modern = await startMcp({
      legacy: 'reject',
      build: (server) =>
        server.registerTool(
          'echo',
          {
            inputSchema: fromJsonSchema<{ word: string }>({ type: 'object', properties: { word: { type: 'string' } } }),
          },
          ({ word }) => ({
            content: [{ type: 'text', text: `${word} ${String(modern.headers.at(-1)?.authorization)}` }],
          }),
        ),
    })
    const streamable = await startReferenceServer(t, 'streamableHttp')
    const sse = await startReferenceServer(t, 'sse')
    await using daemon = await startWith({
      modern: { url: modern.url, headers: { Authorization: `Bearer ${secret}` } },
      older: { url: `http://127.0.0.1:${streamable.port}/mcp` },
      oldest: { url: `http://127.0.0.1:${sse.port}/sse`, type: 'sse' },
    })

    const { status, body, text } = await daemon.call('default/modern', 'echo', { word: 'hello' })
    assert.deepEqual([status, body.result.content[0]?.text], [200, 'hello <redacted>'])
    assert.ok(body.duration_ms > 0)
    assert.ok(!text.includes(secret))
    assert.equal(modern.headers.at(-1)?.authorization, `Bearer ${secret}`)
    for (const name of ['older', 'oldest']) {
      const echoed = await daemon.call(`default/${name}`, 'echo', { message: name })
      assert.equal(echoed.body.result.content[0]?.text, `Echo: ${name}`)
    }
    assert.equal(daemon.lines.filter(({ audit, msg }) => audit && msg === 'call forwarded').length, 3)
  })

  it('removes the credentials of a URL in the form in which they are sent', async () => {
    await using mcp = await startMcp({
      build: (server) =>
        server.registerTool('headers', {}, () => ({
          content: [{ type: 'text', text: mcp.headers.at(-1)?.authorization?.replace('Basic ', '') ?? '' }],
        })),
    })
    // A password with a literal percent sign is one too.
    for (const password of ['sesame-0123', '100%zz-sesame']) {
      const url = mcp.url.replace('//', `//agent:${password}@`)
      await using daemon = await startWith({ guarded: { url } })
      const { status, body } = await daemon.call('default/guarded', 'headers')
      assert.deepEqual([status, body.result?.content[0]?.text], [200, '<redacted>'])
      const sent = Buffer.from(mcp.headers.at(-1)?.authorization?.slice('Basic '.length) ?? '', 'base64').toString()
      assert.equal(sent, `agent:${password}`)
    }
  })

  it('needs the right on that server, and says what is missing', async () => {
    await using mcp = await startMcp()
    const hidden = { url: mcp.url, namespace: 'other' }
    await using daemon = await startWith({
      one: { url: mcp.url },
      hidden,
      command: { command: 'true' },
      open: { url: mcp.url, headers: { a: 'Bearer ${TOKEN}' } },
    })
    const codeOf = async (name: string, headers: object) => {
      const { status, body } = await daemon.call(name, 'forecast', {}, headers as never)
      return [status, body.code ?? 'ok']
    }

    assert.deepEqual(await codeOf('default/one', {}), [401, 'authentication_required'])
    assert.deepEqual(await codeOf('default/one', as('reader')), [403, 'right_required'])
    assert.deepEqual(await codeOf('other/hidden', as('caller')), [404, 'server_not_found'])
    assert.deepEqual(await codeOf('default/absent', as('admin')), [404, 'server_not_found'])
    assert.deepEqual(await codeOf('default/command', as('admin')), [400, 'call_target_invalid'])
    assert.deepEqual(await codeOf('default/open', as('admin')), [400, 'call_target_invalid'])
    assert.equal(mcp.methods.length, 0)
    assert.equal((await daemon.call('default/one', 'forecast', {}, as('caller'))).status, 200)
    for (const [body, code] of [
      ['[]', 'body_not_object'],
      ['{"arguments":[]}', 'body_not_object'],
      ['{"args":{}}', 'invalid_parameter'],
    ]) {
      const answer = await daemon.ask('POST', '/servers/default/one/tools/forecast', body, as('admin'))
      assert.deepEqual([answer.status, answer.body['code']], [400, code])
    }
  })

  it('of a hostile server ends within its limits, and tells nothing secret', async (t) => {
    const elsewhere = await startMcp()
    t.after(() => elsewhere.stop())
    const headers = { 'x-api-key': secret }
    const hanging = await startHttp(t, () => undefined)
    const endless = await startHttp(t, (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const write = () =>
        void (response.write('x'.repeat(65_536)) ? setImmediate(write) : response.once('drain', write))
      write()
    })
    const redirecting = await startHttp(t, (_, response) => {
      response.writeHead(307, { location: elsewhere.url }).end()
    })
    const telling = await startHttp(t, (request, response) => {
      response.writeHead(500).end(`no: ${String(request.headers['x-api-key'])}`)
    })
    const servers = { hanging, endless, redirecting, telling }
    await using daemon = await startWith(
      Object.fromEntries(Object.entries(servers).map(([name, url]) => [name, { url, headers }])),
      'calls: { timeout: 0.5, max_response_bytes: 200000 }\n',
    )

    const outcomes = await Promise.all(Object.keys(servers).map((name) => daemon.call(`default/${name}`, 'any')))

    assert.deepEqual(
      outcomes.map(({ status, body }) => [status, body.code]),
      [
        [504, 'call_timeout'],
        [502, 'call_response_too_large'],
        [502, 'call_failed'],
        [502, 'call_failed'],
      ],
    )
    assert.ok(outcomes.every(({ text }) => !text.includes(secret)))
    assert.equal(elsewhere.methods.length, 0)
  })

  it('to an agent, which chose its own address, goes only where calls.allow lets it', async () => {
    await using mcp = await startMcp()
    const agents = 'sources: [{ type: agents }]\nhealth: { enabled: false }\n'
    const registration = {
      agent_id: 'forecaster',
      metadata: {
        name: 'forecaster',
        agent_type: 'mcp_agent',
        namespace: 'default',
        endpoint: new URL(mcp.url).origin,
        tools: [{ function_name: 'forecast', capability: 'forecast', version: '1.0.0', dependencies: [] }],
      },
    }
    const results: unknown[] = []
    for (const calls of ['', "calls: { allow: ['127.0.0.0/8'] }\n"]) {
      await using daemon = await startHere(`${auth}${agents}${calls}`)
      await daemon.ask('POST', '/agents/register', registration, as('admin'))
      const { status, body } = await daemon.ask<Outcome>(
        'POST',
        '/servers/default/forecaster/tools/forecast',
        {},
        as('admin'),
      )
      results.push([status, body.code ?? body.result.content[0]?.text])
    }
    assert.deepEqual(results, [
      [403, 'call_address_forbidden'],
      [200, 'sunny'],
    ])
  })

  it('has its result though the server does not answer the end of the session', async (t) => {
    const { port } = await startReferenceServer(t, 'streamableHttp')
    const stuck = await startHttp(t, (request, response) => {
      if (request.method === 'DELETE') return
      const forwarded = forward(`http://127.0.0.1:${port}/mcp`, { method: request.method, headers: request.headers })
      forwarded.on('response', (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      })
      request.pipe(forwarded)
    })
    await using daemon = await startWith({ stuck: { url: stuck } }, 'calls: { timeout: 20 }\n')

    const { body } = await daemon.call('default/stuck', 'echo', { message: 'there' })

    assert.equal(body.result.content[0]?.text, 'Echo: there')
    assert.ok(body.duration_ms < 10_000)
  })
})
