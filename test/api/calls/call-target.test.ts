import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import { lookupOf, startHttpServer } from '../../outbound/test-servers.ts'
import { raw, read } from '../served-api.ts'
import { answering, as, callable, codeOf } from './test-calls.ts'

describe('the target of a call', () => {
  it('is an exact host and port of a registered endpoint', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent(answering())
    const { port } = new URL(`http://${target}`)
    const other = new URL(await startHttpServer(t, answering())).host

    for (const authority of [
      other,
      `localhost:${port}`,
      `127.0.0.1`,
      `127.0.0.1:${Number(port) + 1}`,
      `127.0.0.2:${port}`,
      `[::ffff:127.0.0.1]:${port}`,
      `greeter:${port}`,
      `greeter`,
      `27.0.0.1:${port}`,
      `127.0.0.1:${port.slice(0, -1)}`,
      `127.0.0.1:99999`,
    ])
      assert.equal(await codeOf(await mesh.call(`${authority}/mcp`)), '404 call_target_not_found', authority)
  })

  it('is well-formed, without credentials, other schemes, escapes or control characters', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent(answering())

    for (const path of [
      '',
      target,
      `user@${target}/mcp`,
      `evil.example@${target}/mcp`,
      `${target}@evil.example/mcp`,
      `http:%2F%2F${target}/mcp`,
      `${target}%2Fmcp`,
      `${target}%00/mcp`,
      `${target}%0d%0aHost:evil/mcp`,
      `${target}%20/mcp`,
      `${target}%23/mcp`,
      `${target}%3Fx/mcp`,
      `%/mcp`,
      `/mcp`,
      `//mcp`,
      `127.0.0.1:-1/mcp`,
      `127.0.0.1:8000000/mcp`,
      `127.0.0.1:80:80/mcp`,
      `[::1/mcp`,
      `[::1%25eth0]:80/mcp`,
      `ünicode.example/mcp`,
    ])
      assert.match(await codeOf(await mesh.call(path)), /^40[04] (call_target_invalid|route_not_found)$/, path)
  })

  it('is /mcp or a plain path below it, for an endpoint without a path', async (t) => {
    const mesh = await callable(t)
    const paths: (string | undefined)[] = []
    const target = await mesh.agent((request, response) => {
      paths.push(request.url)
      response.end()
    })
    const { port } = new URL(`http://${target}`)
    const forwarded = ['/mcp', '/mcp/', '/mcp/v1/tools', '/mcp/a-b_c~d.e/']
    for (const path of forwarded) assert.equal((await mesh.call(`${target}${path}`)).status, 200, path)

    for (const path of [
      '/',
      '/mcpx',
      '/MCP',
      '/admin',
      '//mcp',
      '/mcp//x',
      '/mcp/./x',
      '/mcp/../admin',
      '/mcp/%2e%2e/admin',
      '/mcp/..%2fadmin',
      '/mcp/..;/admin',
      '/mcp/;/../admin',
      '/mcp/.%2e/admin',
      '/mcp/...',
      '/mcp\\..\\admin',
      '/mcp%2fx',
      '/mcp/%00',
      '/mcp/%0d%0aX-Evil:1',
      '/mcp/a b',
      '/mcp?x=1',
      '/mcp?',
      '/mcp#x',
      '/mcp;x=1',
      '/mcp/@evil.example',
      '@evil.example/mcp',
    ]) {
      const head = `POST /proxy/${target}${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`
      const headers = `Authorization: ${as('ops').authorization}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`
      const { status } = read(await raw(mesh.served.port, head + headers))
      assert.ok(status === 400 || status === 404, `${path}: ${status}`)
    }
    assert.deepEqual(paths, forwarded)
    assert.ok(port)
  })

  it('is the own path of an endpoint that has one, with its query, and no other', async (t) => {
    const mesh = await callable(t)
    const paths: (string | undefined)[] = []
    const url = await startHttpServer(t, (request, response) => {
      paths.push(request.url)
      response.end()
    })
    const target = new URL(url).host
    await mesh.register(`${url}/team/mcp%20x?tenant=a`)

    assert.equal((await mesh.call(`${target}/team/mcp%20x?tenant=a`)).status, 200)
    for (const path of [
      '/mcp',
      '/team/mcp%20x',
      '/team/mcp%20x?tenant=b',
      '/team/mcp%20x/?tenant=a',
      '/team/mcp x',
      '/',
    ]) {
      const response = await mesh.call(`${target}${path}`)
      const { code, detail } = (await response.json()) as { code: string; detail: string }
      assert.equal(code, 'call_target_invalid', path)
      assert.match(detail, /\/team\/mcp%20x\?tenant=a/)
    }
    assert.deepEqual(paths, ['/team/mcp%20x?tenant=a'])
  })

  it('gets no credentials of its endpoint', async (t) => {
    const mesh = await callable(t)
    let authorization: string | undefined
    const url = await startHttpServer(t, (request, response) => {
      ;({ authorization } = request.headers)
      response.end()
    })
    await mesh.register(url.replace('://', '://user:password@'))

    assert.equal((await mesh.call(`${new URL(url).host}/mcp`)).status, 200)
    assert.equal(authorization, undefined)
  })

  it('is a healthy or degraded agent with HTTP', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent(answering())
    await mesh.register('stdio://greeter-2', { id: 'command' })
    const call = async () => {
      const response = await mesh.call(`${target}/mcp`)
      return response.ok ? 'called' : codeOf(response)
    }
    const before = await call()
    await mesh.post('/heartbeat', { agent_id: 'greeter', status: 'degraded' }, as('root'))
    const degraded = await call()

    mesh.pass(70)
    const unhealthy = await call()
    mesh.pass(60)

    assert.deepEqual(
      [before, degraded, unhealthy, await call()],
      ['called', 'called', '503 call_target_unavailable', '503 call_target_unavailable'],
    )
    assert.equal(await codeOf(await mesh.call('greeter-2/mcp')), '404 call_target_not_found')
  })

  it('is the healthy one of several agents at one address', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent(answering(), { id: 'a-before' })
    mesh.pass(70)
    await mesh.register(`http://${target}`, { id: 'b-after' })

    assert.equal((await mesh.call(`${target}/mcp`)).status, 200)
    assert.equal(mesh.audit()[0]?.['agent'], 'b-after')
  })

  it('is in a namespace of the token', async (t) => {
    const mesh = await callable(t)
    const own = await mesh.agent(answering(), { namespace: 'team-a' })
    const foreign = await mesh.agent(answering(), { id: 'foreign' })

    assert.equal((await mesh.call(`${own}/mcp`, { as: 'team-a' })).status, 200)
    assert.equal(await codeOf(await mesh.call(`${foreign}/mcp`, { as: 'team-a' })), '403 namespace_forbidden')
    assert.equal((await mesh.call(`${own}/mcp`)).status, 200)
  })

  it('is not an agent that a server of another source shadows', async (t) => {
    const mesh = await callable(t, { servers: [{ name: 'greeter', url: 'http://127.0.0.1:1/mcp' }] })
    const target = await mesh.agent(answering())

    const response = await mesh.call(`${target}/mcp`)

    const { code, detail } = (await response.json()) as { code: string; detail: string }
    assert.equal(code, 'call_target_unavailable')
    assert.match(detail, /shadowed by a server of the source file/)
  })

  it('may be an IPv6 address, in any spelling', async (t) => {
    const server = createServer(answering()).listen(0, '::1')
    await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject))
    t.after(() => void (server.closeAllConnections(), server.close()))
    const { port } = server.address() as AddressInfo
    const mesh = await callable(t, { calls: { allow: ['::1'] } })
    await mesh.register(`http://[::1]:${port}`)

    for (const host of ['[::1]', '%5B::1%5D', '[0:0:0:0:0:0:0:1]'])
      assert.equal((await mesh.call(`${host}:${port}/mcp`)).status, host.includes('0:0') ? 404 : 200, host)
  })

  it('is reached over the scheme of its endpoint', async (t) => {
    const mesh = await callable(t)
    const url = await startHttpServer(t, answering())
    await mesh.register(url.replace('http://', 'https://'))

    assert.equal(await codeOf(await mesh.call(`${new URL(url).host}/mcp`)), '502 call_failed')
  })

  it('is the encrypted one of two endpoints that differ in their scheme', async (t) => {
    const mesh = await callable(t)
    let calls = 0
    const target = await mesh.agent((_request, response) => (calls++, response.end()), { id: 'a-downgrade' })
    await mesh.register(`https://${target}`, { id: 'b-encrypted' })

    assert.equal(await codeOf(await mesh.call(`${target}/mcp`)), '502 call_failed')
    assert.equal(calls, 0)
  })
})

describe('the address of a call', () => {
  it('is in no loopback, private or reserved network that calls.allow does not name', async (t) => {
    const mesh = await callable(t, { calls: { allow: ['10.0.0.0/8', '127.0.0.2'] } })
    let calls = 0
    const target = await mesh.agent((_request, response) => (calls++, response.end()))
    const { port } = new URL(`http://${target}`)

    for (const [index, host] of [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0x7f.1',
      '0177.0.0.1',
      '0.0.0.0',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[64:ff9b::7f00:1]',
      '192.168.0.1',
      '172.31.255.255',
      '100.64.0.1',
      '198.18.0.1',
      '[fd00::1]',
      '169.254.169.254',
      '[fe80::1]',
      '[fd00:ec2::254]',
      '255.255.255.255',
    ].entries()) {
      await mesh.register(`http://${host}:${port}`, { id: `at-${index}` })
      const response = await mesh.call(`${host}:${port}/mcp`)
      const { code, detail } = (await response.json()) as { code: string; detail: string }
      assert.equal(`${response.status} ${code}`, '403 call_address_forbidden', host)
      assert.match(detail, /calls\.allow/)
    }
    assert.equal(calls, 0)
  })

  it('is never one of metadata, whatever calls.allow names', async (t) => {
    const mesh = await callable(t, { calls: { allow: ['0.0.0.0/0', '::/0'] } })

    for (const [index, host] of ['169.254.169.254', '[fd00:ec2::254]', '[::ffff:169.254.169.254]'].entries()) {
      await mesh.register(`http://${host}`, { id: `at-${index}` })
      assert.equal(await codeOf(await mesh.call(`${host}/mcp`)), '403 call_address_forbidden', host)
    }
  })

  it('is checked at every lookup, and is the one connected to', async (t) => {
    const answers = ['127.0.0.1', '10.0.0.1', '169.254.169.254', '127.0.0.1']
    const mesh = await callable(t, { lookup: lookupOf(...answers.map((address) => [address])) })
    const target = await mesh.agent((_request, response) => response.writeHead(200, { connection: 'close' }).end())
    const { port } = new URL(`http://${target}`)
    await mesh.register(`http://rebound.example:${port}`, { id: 'rebound' })
    const call = async () => (await mesh.call(`rebound.example:${port}/mcp`)).status

    assert.deepEqual([await call(), await call(), await call(), await call()], [200, 403, 403, 200])
  })

  it('is a permitted one of several', async (t) => {
    const mesh = await callable(t, { lookup: lookupOf(['10.0.0.1', '::1', '127.0.0.1']) })
    const target = await mesh.agent(answering())
    const { port } = new URL(`http://${target}`)
    await mesh.register(`http://many.example:${port}`, { id: 'many' })

    assert.equal((await mesh.call(`many.example:${port}/mcp`)).status, 200)
  })
})
