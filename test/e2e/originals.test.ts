import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { type Running, start, temporary, until } from './daemon-process.ts'

// Each test knows the shape of its answers.
// oxlint-disable-next-line typescript/no-explicit-any
type Answer = Record<string, any>

/** The documented requests of the mesh registry, word for word, against a real daemon. */
describe('the documents of the mesh registry', () => {
  const folder = temporary()
  let daemon: Running

  before(async () => {
    daemon = await start([folder.at('servers')], { home: folder.path, env: { METRICS_PORT: '0' } })
    await until(async () => (await daemon.get('/agents')).status === 200)
  })
  after(async () => {
    await daemon[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })

  async function post(path: string, body: unknown) {
    const headers = { 'content-type': 'application/json' }
    const answer = await daemon.get(path, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: answer.status, body: (await answer.json()) as Answer }
  }
  const agents = async (query: string) => (await daemon.json<Answer>(`/agents${query}`))['agents'] as Answer[]
  const ids = async (query: string) => (await agents(query)).map(({ id }) => id as string)
  const capabilities = async (query: string) =>
    (await daemon.json<Answer>(`/capabilities${query}`))['capabilities'] as Answer[]

  it('the four requests of the Go registry work as documented', async () => {
    const registered = await post('/agents/register_with_metadata', {
      agent_id: 'test-agent',
      metadata: {
        name: 'test-agent',
        capabilities: [{ name: 'greeting', version: '1.0.0', description: 'Provides greeting functionality' }],
      },
      timestamp: '2024-01-01T12:00:00Z',
    })
    assert.deepEqual([registered.status, registered.body['agent_id']], [201, 'test-agent'])
    assert.deepEqual(await ids('?status=healthy'), ['test-agent'])
    assert.deepEqual(
      (await capabilities('?name=greeting')).map(({ agent_id }) => agent_id as string),
      ['test-agent'],
    )
    const beat = await post('/heartbeat', { agent_id: 'test-agent', status: 'healthy' })
    assert.deepEqual([beat.status, beat.body['message']], [200, 'Heartbeat recorded'])
    for (const path of ['/health', '/']) assert.equal((await daemon.get(path)).status, 200)
  })

  const processor = {
    id: 'my-agent-001',
    name: 'My Service Agent',
    namespace: 'production',
    agent_type: 'service_agent',
    endpoint: 'http://localhost:8001/mcp',
    capabilities: [
      {
        name: 'process_data',
        description: 'Process incoming data',
        category: 'data_processing',
        version: '1.2.0',
        stability: 'stable',
        tags: ['data', 'processing', 'async'],
        input_schema: { type: 'object', properties: {}, required: [] },
      },
    ],
    labels: { env: 'production', team: 'data', zone: 'us-west-2a', criticality: 'high', version: '1.2.3' },
    security_context: 'standard',
    health_interval: 30.0,
  }

  it('the guide: registration by the MCP tool and heartbeats work as documented', async () => {
    const registered = await post('/mcp/tools/register_agent', { registration_data: processor })
    assert.deepEqual([registered.status, registered.body['agent_id']], [200, 'my-agent-001'])
    const metadata = { load: '0.65', memory_usage: '78%', active_connections: 3 }
    assert.equal((await post('/heartbeat', { agent_id: 'my-agent-001', status: 'healthy', metadata })).status, 200)
    assert.equal((await post('/heartbeat', { agent_id: 'my-agent-001' })).status, 200)
  })

  it('the guide: each query works as documented', async () => {
    for (const query of [
      '?namespace=production&capability_category=data_processing&status=healthy',
      '?label_selector=env=production,team=data',
      '?label_selector=criticality=high',
      '?version_constraint=>1.0.0&namespace=production',
      '?version_constraint=~1.2.0',
      '?version_constraint=^1.0.0&namespace=production',
      '?capability=data&fuzzy_match=true',
      `?${String(new URLSearchParams({ capability_category: 'data_processing', status: 'healthy', label_selector: 'env=production,team=data', stability: 'stable' }))}`,
    ]) {
      assert.deepEqual(await ids(query), ['my-agent-001'], query)
    }
    for (const query of [
      '?tags=data&stability=stable&fuzzy_match=true',
      '?name=process&fuzzy_match=true',
      '?category=data_processing&stability=stable&agent_status=healthy&include_deprecated=false',
      '?name=process_data&stability=stable&agent_status=healthy',
    ]) {
      const [capability] = await capabilities(query)
      assert.deepEqual(
        [capability?.['agent_id'], capability?.['agent_name'], capability?.['agent_endpoint']],
        ['my-agent-001', 'my-service-agent', 'http://localhost:8001/mcp'],
        query,
      )
    }
    assert.deepEqual(await ids('?fuzzy_match=True&capability=*'), ['test-agent', 'my-agent-001'])
    const queries = ['?namespace=production', '?status=healthy', '?capability=nothing']
    assert.deepEqual(
      (await Promise.all(queries.map((query) => agents(query)))).map(({ length }) => length),
      [1, 2, 0],
    )
  })

  it('the guide: the stdio agent works as documented', async () => {
    const { capabilities: declared, ...rest } = processor
    const registration_data = { ...rest, endpoint: 'stdio://my-agent', capabilities: declared }
    assert.equal((await post('/mcp/tools/register_agent', { registration_data })).status, 200)
    assert.equal((await daemon.json<Answer>('/agents/my-agent-001'))['endpoint'], 'stdio://my-agent')
  })

  it('the README: queries and tools work as documented', async () => {
    await post('/agents', {
      id: 'files',
      namespace: 'production',
      labels: { type: 'database', version: '1.0' },
      capabilities: ['file_read', 'file_write'],
      dependencies: ['auth_service'],
    })
    const discover = async (query: object) => (await post('/mcp/tools/discover_services', { query })).body
    const found = async (query: object) => ((await discover(query))['agents'] as Answer[]).map(({ id }) => id as string)

    assert.deepEqual(await found({ capabilities: ['file_read'], status: 'healthy' }), ['files'])
    assert.deepEqual(await found({ labels: { type: 'database', version: '1.0' }, namespace: 'production' }), ['files'])
    const status = await post('/mcp/tools/get_agent_status', { agent_id: 'files' })
    assert.deepEqual([status.body['status'], status.body['agent'].id], ['success', 'files'])
    assert.equal((await post('/mcp/tools/heartbeat', { agent_id: 'files' })).body['message'], 'Heartbeat recorded')
    const gone = await post('/mcp/tools/unregister_agent', { agent_id: 'files' })
    assert.equal(gone.body['message'], 'Agent files unregistered successfully')
    assert.equal((await daemon.get('/agents/files')).status, 404)
  })

  it('the guide: errors have the documented form', async () => {
    const missing = await post('/heartbeat', { agent_id: 'my-agent-002' })
    assert.deepEqual([missing.status, missing.body['detail']], [404, 'Agent my-agent-002 not found'])
    const invalid = await post('/mcp/tools/register_agent', { registration_data: { name: 'x' } })
    assert.deepEqual(
      [invalid.status, invalid.body['status'], invalid.body['error']],
      [400, 'error', "Validation failed: 'id' field is required"],
    )
  })

  it('the load test registers 100 of 100 agents', async () => {
    const started = performance.now()
    const registering = Array.from({ length: 100 }, async (_, id) => {
      const { status } = await post('/api/v1/agents', {
        id: `test-agent-${id}`,
        capabilities: ['test'],
        endpoint: `http://agent-${id}:8080`,
      })
      return status === 200
    })
    const successes = (await Promise.all(registering)).filter(Boolean).length

    assert.equal(successes, 100)
    assert.ok(performance.now() - started < 5000)
    assert.equal((await ids('?capability=test')).length, 100)
    for (const path of ['/api/v1/agents', '/api/v1/capabilities', '/health', '/ready'])
      assert.equal((await daemon.get(path)).status, 200)
  })

  it('metrics: JSON for the guide, text for Prometheus, on a separate port', async () => {
    const json = await daemon.json<Answer>('/metrics', { headers: { accept: 'application/json' } })
    assert.deepEqual([json['total_agents'], json['healthy_agents'], json['expired_agents']], [102, 102, 0])
    assert.ok(json['memory_usage_mb'] > 10 && json['uptime_seconds'] > 0 && json['active_connections'] > 0)
    assert.deepEqual(json['agents_by_namespace'], { default: 101, production: 1 })
    assert.deepEqual([json['unique_capability_types'], json['heartbeats_processed'] > 100], [3, true])
    assert.deepEqual(Object.keys(json), Object.keys(await daemon.json<Answer>('/metrics?format=json')))

    const port = daemon.lines.find(({ msg }) => msg === 'metrics port opened')?.['url'] as string
    const texts = await Promise.all([daemon.get('/metrics'), daemon.get('/metrics/prometheus'), fetch(port)])
    for (const answer of texts) {
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/)
      const lines = (await answer.text()).split('\n').filter((line) => line.startsWith('mcp_registry_'))
      assert.ok(lines.includes('mcp_registry_agents_total 102'))
      assert.ok(lines.includes('mcp_registry_agents_by_status{status="healthy"} 102'))
      for (const name of [
        'requests_total',
        'errors_total',
        'registrations_total',
        'heartbeats_total',
        'uptime_seconds',
      ])
        assert.ok(
          lines.some((line) => line.startsWith(`mcp_registry_${name} `)),
          name,
        )
    }
    assert.equal((await fetch(new URL('/servers', port))).status, 404)
  })
})
