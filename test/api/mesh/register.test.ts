import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Answer, meshed } from './test-mesh-api.ts'

const greeting = { name: 'greeting', version: '1.0.0', description: 'Provides greeting functionality' }

describe('registration', () => {
  it('is visible at /servers, /agents and /capabilities to the next request', async () => {
    await using mesh = await meshed()

    const made = await mesh.post('/agents/register_with_metadata', {
      agent_id: 'test-agent',
      metadata: { name: 'test-agent', capabilities: [greeting] },
      timestamp: '2024-01-01T12:00:00Z',
    })

    assert.equal(made.status, 201)
    assert.equal(made.headers.get('location'), '/agents/test-agent')
    const { timestamp, resource_version, ...rest } = made.body
    assert.deepEqual(rest, { status: 'success', agent_id: 'test-agent', message: 'Agent registered successfully' })
    assert.ok(Date.parse(timestamp as string) > 0 && typeof resource_version === 'string')
    const [agent] = (await mesh.get('/agents')).body['agents'] as Answer[]
    assert.deepEqual([agent?.['id'], agent?.['status'], agent?.['agent_type']], ['test-agent', 'healthy', 'mesh-agent'])
    assert.equal(agent?.['annotations'].registered_via, 'register_with_metadata')
    const { body } = await mesh.get('/capabilities?name=greeting')
    assert.deepEqual([body['count'], body['capabilities'][0].agent_id], [1, 'test-agent'])
    assert.equal((await mesh.get('/servers/default/test-agent')).body['discovery_method'], 'registered')
  })

  it('repeated a thousand times with the same content makes no new revision, whatever its timestamp', async () => {
    await using mesh = await meshed()
    const registration = (n: number) => ({
      agent_id: 'a',
      metadata: { capabilities: [greeting], metadata: { load: n }, tags: { env: 'prod' } },
      timestamp: new Date(n * 1000).toISOString(),
    })
    const first = await mesh.post('/agents/register_with_metadata', registration(0))
    const token = mesh.registry.token()

    for (let n = 1; n < 1000; n += 1) {
      const again = await mesh.post('/agents/register_with_metadata', registration(n))
      assert.equal(again.body['resource_version'], first.body['resource_version'])
    }

    assert.equal(mesh.registry.token(), token)
    const { body } = await mesh.get('/agents/a')
    assert.deepEqual(body['sent'], { metadata: { load: 999 }, timestamp: '1970-01-01T00:16:39.000Z' })
    assert.deepEqual([body['config'], body['labels']], [{ load: 999 }, { env: 'prod' }])
    assert.equal(mesh.audited.length, 1)
  })

  it('by the tool is pending until the first heartbeat', async () => {
    await using mesh = await meshed()
    const status = async () => (await mesh.get('/agents/a')).body['status'] as string

    const made = await mesh.post('/mcp/tools/register_agent', { registration_data: { id: 'a', name: 'My Agent' } })

    assert.equal(made.body['message'], 'Agent my-agent registered successfully')
    assert.equal(await status(), 'pending')
    assert.equal((await mesh.get('/health/a')).body['message'], 'No heartbeat received yet')
    await mesh.post('/heartbeat', { agent_id: 'a' })
    assert.equal(await status(), 'healthy')
  })

  it('normalizes what the original registries rejected, and keeps the original spelling', async () => {
    await using mesh = await meshed()

    await mesh.post('/mcp/tools/register_agent', {
      registration_data: {
        id: 'my-agent-001',
        name: 'My Service Agent',
        agent_type: 'service_agent',
        endpoint: 'stdio://my-agent',
        health_interval: 30.0,
        capabilities: ['plain'],
      },
    })

    const { body } = await mesh.get('/agents/my-agent-001')
    assert.deepEqual(
      [body['name'], body['title'], body['agent_type'], body['endpoint']],
      ['my-service-agent', 'My Service Agent', 'service_agent', 'stdio://my-agent'],
    )
    assert.deepEqual(body['annotations'], { original_name: 'My Service Agent', original_agent_type: 'service_agent' })
    assert.deepEqual([body['capabilities'][0].name, body['capabilities'][0].version], ['plain', '1.0.0'])
  })

  it('gives each agent type the thresholds of the original registry, unless the agent names its own', async () => {
    await using mesh = await meshed()
    const thresholds = async (fields: object) => {
      await mesh.agent('a', fields)
      const { body } = await mesh.get('/agents/a')
      return [body['timeout_threshold'], body['eviction_threshold']] as unknown
    }

    assert.deepEqual(await thresholds({}), [60, 120])
    assert.deepEqual(await thresholds({ agent_type: 'file-agent' }), [90, 180])
    assert.deepEqual(await thresholds({ agent_type: 'worker' }), [45, 90])
    assert.deepEqual(await thresholds({ agent_type: 'critical' }), [30, 60])
    assert.deepEqual(await thresholds({ agent_type: 'constructor' }), [60, 120])
    assert.deepEqual(
      await thresholds({ agent_type: 'critical', timeout_threshold: '5', eviction_threshold: '10s' }),
      [5, 10],
    )
    assert.deepEqual(await thresholds({ timeout_threshold: 300 }), [300, 600])
  })

  it('requires the capabilities of the security context high_security', async () => {
    await using mesh = await meshed()
    const named = (...names: string[]) => names.map((name) => ({ name }))
    const secure = { id: 'a', security_context: 'high_security' }

    const refused = await mesh.post('/mcp/tools/register_agent', {
      registration_data: { ...secure, capabilities: named('authentication') },
    })
    const taken = await mesh.agent('a', {
      ...secure,
      capabilities: named('authentication', 'authorization', 'audit', 'more'),
    })

    assert.deepEqual([refused.status, refused.body['status']], [400, 'error'])
    assert.match(refused.body['error'] as string, /missing: authorization, audit/)
    assert.equal(taken.status, 200)
  })

  it('with another namespace moves the agent, since ids are unique over all namespaces', async () => {
    await using mesh = await meshed()
    await mesh.agent('a', { namespace: 'one' })

    await mesh.agent('a', { namespace: 'two' })

    assert.deepEqual(
      mesh.registry.list().map(({ server }) => server.id),
      ['two/a'],
    )
    assert.deepEqual(await mesh.ids('?namespace=two'), ['a'])
  })

  it('of one version succeeds for exactly one of a hundred concurrent writers', async () => {
    await using mesh = await meshed()
    let { resource_version } = (await mesh.agent('a')).body
    for (let round = 0; round < 3; round += 1) {
      const writers = Array.from({ length: 100 }, (_, n) =>
        mesh.agent('a', { resource_version, labels: { winner: `${round}-${n}` } }),
      )
      const answers = await Promise.all(writers)

      const winners = answers.filter(({ status }) => status === 200)
      const losers = answers.filter(({ status }) => status === 409)
      assert.deepEqual([winners.length, losers.length], [1, 99])
      resource_version = winners[0]?.body['resource_version']
      assert.ok(losers.every(({ body }) => body['current'].id === 'a' && body['resource_version'] !== undefined))
      assert.equal((await mesh.get('/agents/a')).body['resource_version'], resource_version)
    }
  })

  it('with a stale If-Match, quoted or bare, gets 409 with the current agent', async () => {
    await using mesh = await meshed()
    const { resource_version } = (await mesh.agent('a')).body
    const etag = (await mesh.get('/agents/a')).headers.get('etag') ?? ''

    const stale = await mesh.post('/agents', { id: 'a', labels: { a: 'b' } }, { 'if-match': '"0"' })
    const fresh = await mesh.post('/agents', { id: 'a', labels: { a: 'b' } }, { 'if-match': etag })
    const deleted = await mesh.send('DELETE', '/agents/a', undefined, { 'if-match': resource_version as string })

    assert.deepEqual([stale.status, stale.body['resource_version']], [409, resource_version])
    assert.equal(fresh.status, 200)
    assert.deepEqual([deleted.status, deleted.body['current'].labels], [409, { a: 'b' }])
  })

  it('accepts an If-Match of several versions, and `*` for any existing agent', async () => {
    await using mesh = await meshed()
    let { resource_version } = (await mesh.agent('a')).body
    const write = async (id: string, ifMatch: string, n: number) =>
      (await mesh.post('/agents', { id, labels: { n: String(n) } }, { 'if-match': ifMatch })).status

    assert.equal(await write('a', `"other", "${resource_version}"`, 1), 200)
    assert.equal(await write('a', `"other", "${resource_version}"`, 2), 409)
    assert.deepEqual([await write('a', '*', 3), await write('b', '*', 3)], [200, 409])
    assert.equal((await mesh.get('/agents/b')).status, 404)
    resource_version = (await mesh.get('/agents/a')).body['resource_version']
    const gone = await mesh.send('DELETE', '/agents/a', undefined, { 'if-match': `"other", "${resource_version}"` })
    assert.equal(gone.status, 204)
  })

  it('ignores the version that a client makes up for a new agent', async () => {
    await using mesh = await meshed()
    assert.equal(
      (await mesh.agent('a', { resource_version: '1749550000123', created_at: 'x', status: 'pending' })).status,
      200,
    )
  })

  it('of an id that another instance holds is a conflict, until its lease expires or a takeover', async () => {
    await using mesh = await meshed()
    const as = (instance_id: string, more = {}) => mesh.agent('a', { instance_id, ...more })
    await as('one')

    assert.equal((await as('two')).status, 409)
    assert.equal((await mesh.agent('a')).status, 200)
    await as('one')
    assert.equal((await as('two', { takeover: true })).status, 200)
    mesh.pass(61)
    assert.equal((await as('three')).status, 200)
  })

  it('of a new agent beyond the limit is rejected; registered agents may change', async () => {
    await using mesh = await meshed({ maxAgents: 2 })
    await mesh.agent('a')
    await mesh.agent('b')

    const third = await mesh.agent('c')

    assert.deepEqual([third.status, third.headers.get('retry-after')], [429, '60'])
    assert.equal((await mesh.agent('a', { labels: { x: 'y' } })).status, 200)
  })

  it('returns the providers of the dependencies, and keeps them while they are healthy', async () => {
    await using mesh = await meshed()
    await mesh.agent('old', { endpoint: 'http://old.example', capabilities: ['auth'] })
    const resolved = async () => {
      const { body } = await mesh.agent('app', { dependencies: ['auth', 'nothing'] })
      return body['dependencies_resolved'] as unknown
    }

    const first = await resolved()
    await mesh.agent('new', { endpoint: 'http://new.example', capabilities: ['auth'] })
    const second = await resolved()
    await mesh.send('DELETE', '/agents/old')
    const third = (await mesh.post('/heartbeat', { agent_id: 'app' })).body['dependencies_resolved'] as unknown

    const auth = { agent_id: 'old', endpoint: 'http://old.example', status: 'healthy' }
    assert.deepEqual(first, { auth, nothing: null })
    assert.deepEqual(second, first)
    assert.deepEqual(third, { auth: { ...auth, agent_id: 'new', endpoint: 'http://new.example' }, nothing: null })
  })
})
