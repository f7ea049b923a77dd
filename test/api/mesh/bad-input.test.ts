import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meshed } from './test-mesh-api.ts'

const long = 'x'.repeat(10_000)

describe('invalid input of agents', () => {
  it('is rejected with the name of the field, and registers no agent', async () => {
    await using mesh = await meshed()
    for (const [field, registration] of [
      ['id', { id: '..' }],
      ['id', { id: '.' }],
      ['id', { id: 'a\u0000b' }],
      ['id', { id: 'a\u202Eb' }],
      ['id', { id: ' \u200B\uFEFF' }],
      ['id', { id: long }],
      ['id', { id: 7 }],
      ['id', { id: { toString: 1 } }],
      ['id', { id: '' }],
      ['name', { name: { a: 1 } }],
      ['namespace', { namespace: 'Not A Label' }],
      ['namespace', { namespace: '../etc' }],
      ['labels.a b', { labels: { 'a b': 'c' } }],
      ['labels.a', { labels: { a: 'c d' } }],
      ['labels', { labels: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, 'v'])) }],
      ['timeout_threshold', { timeout_threshold: -5 }],
      ['timeout_threshold', { timeout_threshold: 1e300 }],
      ['timeout_threshold', { timeout_threshold: 'soon' }],
      ['eviction_threshold', { eviction_threshold: '-1' }],
      ['health_interval', { health_interval: {} }],
      ['endpoint', { endpoint: 'http://' }],
      ['endpoint', { endpoint: long }],
      ['capabilities', { capabilities: 'echo' }],
      ['capabilities.0.name', { capabilities: [{ name: '' }] }],
      ['capabilities.0.stability', { capabilities: [{ name: 'a', stability: 'shaky' }] }],
    ] as const) {
      const { status, body } = await mesh.agent('a', registration)
      assert.equal(status, 400, JSON.stringify(registration).slice(0, 80))
      assert.equal(body['field'], field, `${JSON.stringify(registration).slice(0, 80)}: ${body['detail']}`)
      assert.ok((body['detail'] as string).length < 500)
      assert.doesNotMatch(body['detail'] as string, /Invalid/)
    }
    assert.deepEqual(await mesh.ids(''), [])
  })

  it('that is not text is rejected by the tools too', async () => {
    await using mesh = await meshed()
    const wrong = { toString: 1 }

    for (const [tool, body] of [
      ['register_agent', { registration_data: { id: wrong } }],
      ['discover_services', { query: { labels: { team: wrong } } }],
      ['heartbeat', { agent_id: wrong }],
    ] as const) {
      const { status } = await mesh.post(`/mcp/tools/${tool}`, body)
      assert.equal(status, 400, tool)
    }
  })

  it('does not include unusual ids and texts, which are accepted unchanged', async () => {
    await using mesh = await meshed()
    const strange = [
      'team/weather',
      'ünïcödé 🌦️',
      "'; DROP TABLE agents; --",
      '__proto__',
      'constructor',
      'a b',
      '%2e%2e',
      'a%b',
      'register',
      'a?b#c',
      'x'.repeat(253),
    ]
    for (const id of strange) {
      const path = `/agents/${encodeURIComponent(id)}`
      const sql = "'; DELETE FROM roster_registrations; --"
      const made = await mesh.agent(id, {
        name: sql,
        agent_type: id,
        description: sql,
        dependencies: [sql],
        config: { __proto__: 1, [sql]: sql },
      })
      assert.equal(made.status, 200, id)
      assert.deepEqual([(await mesh.get(path)).body['id'], (await mesh.get(path)).body['description']], [id, sql])
      assert.equal((await mesh.post('/heartbeat', { agent_id: id })).status, 200)
      assert.equal((await mesh.send('HEAD', `/heartbeat/${encodeURIComponent(id)}`)).status, 200)
      assert.equal((await mesh.get(`/health/${encodeURIComponent(id)}`)).body['agent_id'], id)
    }
    assert.deepEqual((await mesh.ids('')).toSorted(), strange.toSorted())
    for (const id of strange)
      assert.equal((await mesh.send('DELETE', `/agents/${encodeURIComponent(id)}`)).status, 204, id)
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
  })

  it('is rejected when a body is missing, malformed, of another type, too deep, too long or truncated', async () => {
    await using mesh = await meshed()
    const deep = `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`
    for (const path of [
      '/heartbeat',
      '/heartbeat?by=router',
      '/agents',
      '/agents/register_with_metadata',
      '/mcp/tools/heartbeat',
    ]) {
      for (const body of ['', ' ', '{"agent_id":', 'null', '[]', '"text"', '{}', '{"agent_id":5}', '{"agent_id":{}}']) {
        assert.equal((await mesh.post(path, body)).status, 400, `${path} ${body}`)
      }
    }
    for (const body of [`{"id":"a","config":${deep}}`, `{"agent_id":"a","metadata":${deep}}`]) {
      for (const path of ['/heartbeat', '/agents', '/agents/register_with_metadata']) {
        assert.equal((await mesh.post(path, body)).status, 400, path)
      }
    }
    for (const path of ['/heartbeat', '/agents']) {
      const much = JSON.stringify({ id: 'a', agent_id: 'a', description: 'x'.repeat(2_100_000) })
      assert.equal((await mesh.post(path, much)).status, 413, path)
    }
    const { port } = mesh.served
    const socket = await import('node:net').then(({ connect }) => connect(port, '127.0.0.1'))
    socket.write('POST /heartbeat HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"agent_id":')
    await new Promise((resolve) => setImmediate(resolve))
    socket.destroy()
    assert.equal((await mesh.agent('a')).status, 200)
    assert.deepEqual(await mesh.ids(''), ['a'])
  })

  it('is rejected when a request has neither body nor length', async () => {
    await using mesh = await meshed()
    for (const path of ['/heartbeat', '/heartbeat?by=router', '/agents', '/mcp/tools/heartbeat', '/servers', '/mcp']) {
      const answer = await mesh.served.raw(`POST ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, path)
    }
  })

  it('is rejected when a body is not UTF-8; a byte order mark is accepted', async () => {
    await using mesh = await meshed()
    const posted = async (path: string, body: Buffer) =>
      (await mesh.served.get(path, { method: 'POST', body: new Uint8Array(body) })).status

    for (const path of ['/agents', '/heartbeat', '/agents?by=router'])
      assert.equal(await posted(path, Buffer.from('{"id":"caf\xe9","agent_id":"caf\xe9"}', 'latin1')), 400, path)
    assert.equal(await posted('/agents', Buffer.from('\uFEFF{"id":"a\uFFFDb"}')), 200)
    assert.deepEqual(await mesh.ids(''), ['a\uFFFDb'])
  })

  it('in a timestamp does not change the time of the heartbeat', async () => {
    await using mesh = await meshed()
    for (const timestamp of ['1970-01-01T00:00:00Z', '2970-01-01T00:00:00Z', 0, -1, 1e300, 'not a time', long, {}]) {
      const made = await mesh.post('/agents/register_with_metadata', { agent_id: 'a', metadata: {}, timestamp })
      assert.equal(made.status, 201)
      const { body } = await mesh.get('/agents/a')
      assert.equal(body['status'], 'healthy')
      assert.ok(Math.abs(Date.parse(body['last_heartbeat'] as string) - Date.now()) < 60_000)
    }
    assert.equal(mesh.audited.length, 1)
  })
})
