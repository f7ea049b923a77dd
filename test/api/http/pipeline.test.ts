import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { read, serve } from '../served-api.ts'

describe('the request pipeline', () => {
  it('answers a GET with an empty chunked body, also where the answer takes time', async () => {
    await using served = await serve({})

    for (const path of ['/servers', '/discover', '/v0.1/servers', '/agents', '/openapi.json']) {
      const head = `GET ${path} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n`
      const { status } = read(await served.raw(`${head}0\r\n\r\n`))
      assert.notEqual(status, 0, path)
      assert.ok(Number.isInteger(status), path)
    }
  })

  it('answers the list with its revision as ETag, and 304 to that ETag', async () => {
    await using served = await serve({ servers: [{ name: 'weather' }, { name: 'time' }] })

    const first = await served.get('/servers', { headers: { 'accept-encoding': 'identity' } })
    const etag = first.headers.get('etag') ?? ''
    const again = await served.get('/servers', { headers: { 'if-none-match': `"other", ${etag.slice(2)}` } })
    served.roster.put({ name: 'news' })
    const changed = await served.get('/servers', { headers: { 'if-none-match': etag } })

    assert.equal(first.status, 200)
    assert.match(etag, /^W\/"e-1\.[0-9a-f]{32}"$/)
    assert.equal(((await first.json()) as { servers: unknown[] }).servers.length, 2)
    assert.equal(again.status, 304)
    assert.equal(await again.text(), '')
    assert.equal(changed.status, 200)
  })

  it('finds a server by its name, however its path is encoded', async () => {
    await using served = await serve({
      servers: [{ name: 'io.example/We ather', namespace: 'team-a' }, { name: 'time' }],
    })

    const names = await Promise.all(
      [
        '/servers/team-a/io.example%2FWe%20ather',
        '/api/v1/servers/time',
        '/servers/default/time',
        '/servers/time/',
      ].map(async (path) => ((await (await served.get(path)).json()) as { name: string }).name),
    )

    assert.deepEqual(names, ['io.example/We ather', 'time', 'time', 'time'])
  })

  it('sends every byte unchanged, for any length and script', async () => {
    const servers = [0, 5000, 5500, 6000, 6500, 9900].map((length) => ({
      name: `s${length}`,
      description: `é日本🎉\u0000${'ü'.repeat(length)}`,
    }))
    await using served = await serve({ servers })

    for (const { name, description } of servers) {
      const answer = await served.get(`/servers/${name}`, { headers: { 'accept-encoding': 'identity' } })
      const bytes = Buffer.from(await answer.arrayBuffer())
      assert.equal(answer.headers.get('content-length'), String(bytes.length))
      assert.deepEqual(bytes, served.roster.registry.get(`default/${name}`)?.json())
      assert.equal((JSON.parse(bytes.toString()) as { description: string }).description, description)
    }
  })

  it('answers HEAD as GET without the body', async () => {
    await using served = await serve()

    const list = await served.get('/servers', { method: 'HEAD' })
    const sources = await served.get('/sources', { method: 'HEAD' })

    assert.deepEqual([list.status, sources.status], [200, 200])
    assert.ok(Number(list.headers.get('content-length')) > 100)
    assert.equal(await list.text(), '')
  })

  it('answers errors as problem documents', async () => {
    await using served = await serve()

    const missing = await served.get('/servers/missing')
    const method = await served.get('/sources', { method: 'DELETE' })
    const nowhere = await served.get('/nowhere')

    const problem = (await missing.json()) as Record<string, unknown>
    assert.equal(missing.headers.get('content-type'), 'application/problem+json')
    assert.equal(problem['status'], 404)
    assert.equal(problem['title'], 'Server not found')
    assert.equal(problem['code'], 'server_not_found')
    assert.equal(problem['type'], 'urn:mcp-roster:problem:server_not_found')
    assert.match(String(problem['detail']), /default\/missing/)
    assert.equal(problem['error'], problem['detail'])
    assert.ok(Date.parse(String(problem['timestamp'])) > 0)
    assert.equal(method.status, 405)
    assert.equal(method.headers.get('allow'), 'HEAD, GET, OPTIONS')
    assert.equal(nowhere.status, 404)
  })

  it('answers pipelined requests in order', async () => {
    await using served = await serve()

    const answer = await served.raw(
      'GET /servers/weather HTTP/1.1\r\nhost: localhost\r\n\r\nGET /nowhere HTTP/1.1\r\nhost: localhost\r\n\r\n' +
        'GET /sources HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
    )

    assert.deepEqual(
      [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => status),
      ['200', '404', '200'],
    )
  })

  for (const [what, request, status] of [
    ['a head of a megabyte', `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(1_000_000)}\r\n\r\n`, 431],
    ['bytes that are not HTTP', 'hello there\r\n\r\n', 400],
    ['a host that is missing', 'GET /servers HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    ['two hosts', 'GET /servers HTTP/1.1\r\nhost: localhost\r\nHost: localhost\r\nconnection: close\r\n\r\n', 400],
    ['a host with an invalid port', 'GET /sources HTTP/1.1\r\nhost: localhost:65536\r\nconnection: close\r\n\r\n', 400],
    ['an encoded host', 'GET /sources HTTP/1.1\r\nhost: %6cocalhost\r\nconnection: close\r\n\r\n', 400],
    ['a host that is not valid in a URL', 'GET /agents HTTP/1.1\r\nhost: 999.1.1.1\r\nconnection: close\r\n\r\n', 400],
    ['a name that points here', 'GET /servers HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n', 421],
    ['dots in the path', 'GET /v0.1/../servers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 400],
    ['encoded dots', 'GET /v0.1/%2e%2E/servers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 400],
    ['a broken encoding', 'GET /servers/%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 404],
    ['an overlong encoding', 'GET /servers/%c0%ae HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 404],
    ['a NUL in a name', 'GET /servers/a%00b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 404],
    [
      'a thousand parameters',
      `GET /servers?${'a=1&'.repeat(1000)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`,
      400,
    ],
    ['a long path', `GET /${'a'.repeat(9000)} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`, 414],
    ['HTTP/1.0 without a host', 'GET /servers HTTP/1.0\r\n\r\n', 200],
    [
      'an absolute target',
      'GET http://localhost/servers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      200,
    ],
    [
      'an absolute target elsewhere',
      'GET http://evil.example/servers HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      421,
    ],
    [
      'a body announced too large',
      'POST /servers HTTP/1.1\r\nhost: localhost\r\ncontent-length: 104857600\r\nconnection: close\r\n\r\n',
      413,
    ],
    ['two lengths', 'POST /servers HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', 400],
    [
      'a length and chunks',
      'POST /servers HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      400,
    ],
  ] as const) {
    it(`answers ${status} to ${what}`, async () => {
      await using served = await serve()

      const { status: answered, head, body } = read(await served.raw(request))

      assert.equal(answered, status)
      if (status >= 400) {
        assert.match(head, /content-type: application\/problem\+json/)
        assert.equal((JSON.parse(body) as { status: number }).status, status)
      }
    })
  }
})
