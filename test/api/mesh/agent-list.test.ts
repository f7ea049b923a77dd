import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRoutes } from '../../../src/api/http/context.ts'
import { createAgentList } from '../../../src/api/mesh/agent-list.ts'
import { createTestMesh } from '../../agents/test-mesh.ts'
import { serve } from '../served-api.ts'
import { type Answer, meshed } from './test-mesh-api.ts'

type Mesh = Awaited<ReturnType<typeof meshed>>

/** A registration as the Python runtime 3.8.0 sends it. */
const published = (agent_id: string, tools: readonly object[], fields: object = {}) => ({
  agent_id,
  name: agent_id,
  agent_type: 'mcp_agent',
  version: '1.0.0',
  runtime: 'python',
  namespace: 'default',
  status: 'healthy',
  http_host: '10.0.0.1',
  http_port: 8080,
  a2a_producer: false,
  a2a_consumer: true,
  tools,
  ...fields,
})

const greet = { function_name: 'greet', capability: 'greeting', version: '1.2.0', tags: ['en'], description: 'Hello' }
const internal = { function_name: '__mesh_job_status', capability: '__mesh_job_status', tags: ['mesh-jobs'] }

async function listed(mesh: Mesh, query = ''): Promise<Answer[]> {
  return (await mesh.get(`/agents${query}`)).body['agents'] as Answer[]
}

/** Makes requests within one period of 5 s, as of which a list shows the times of heartbeats. */
async function withinPeriod<T>(act: () => Promise<T>): Promise<T> {
  for (;;) {
    const period = Math.floor(Date.now() / 5000)
    const result = await act()
    if (Math.floor(Date.now() / 5000) === period) return result
  }
}

describe('an agent that registers its tools', () => {
  it('is listed with its runtime, and with the function of each capability', async () => {
    await using mesh = await meshed()
    await mesh.post('/heartbeat', published('a', [greet, internal]))

    const [agent] = await listed(mesh)

    assert.partialDeepStrictEqual(agent, {
      id: 'a',
      name: 'a',
      agent_type: 'mcp_agent',
      runtime: 'python',
      version: '1.0.0',
      status: 'healthy',
      endpoint: 'http://10.0.0.1:8080',
      a2a_producer: false,
      a2a_consumer: true,
      total_dependencies: 0,
      dependencies_resolved: 0,
      dependency_resolutions: [],
      llm_tool_resolutions: [],
      llm_provider_resolutions: [],
    })
    const [first, second] = (agent?.['capabilities'] ?? []) as Answer[]
    assert.partialDeepStrictEqual(first, {
      name: 'greeting',
      function_name: 'greet',
      version: '1.2.0',
      tags: ['en'],
      description: 'Hello',
      available: true,
    })
    assert.deepEqual([second?.['name'], second?.['function_name']], ['__mesh_job_status', '__mesh_job_status'])
  })

  it('hides its internal functions in /capabilities and /servers', async () => {
    await using mesh = await meshed()
    await mesh.post('/heartbeat', published('a', [internal, greet]))

    const { capabilities } = (await mesh.get('/capabilities')).body
    const { capabilities: ofServer } = (await mesh.get('/servers/a')).body

    for (const list of [capabilities, ofServer] as Answer[][])
      assert.deepEqual(
        list.map(({ name }) => name as string),
        ['greeting'],
      )
  })

  it('offers no available function while it is unhealthy', async () => {
    await using mesh = await meshed()
    await mesh.post('/heartbeat', published('a', [greet], { timeout_threshold: 20, eviction_threshold: 600 }))
    mesh.pass(30)

    const [agent] = await listed(mesh)

    assert.equal(agent?.['status'], 'unhealthy')
    assert.partialDeepStrictEqual(agent['capabilities'], [{ available: false, unavailable_reason: 'agent unhealthy' }])
  })
})

describe('the dependencies of an agent in the list', () => {
  const relay = {
    function_name: 'relay',
    capability: 'relay',
    dependencies: [
      { capability: 'greeting', tags: ['en', ['a', 'b']] },
      { capability: 'clock', required: true },
    ],
  }
  const consumerIn = async (mesh: Mesh) => (await listed(mesh)).find(({ id }) => id === 'consumer') ?? {}

  it('are shown in the order of declaration with their providers', async () => {
    await using mesh = await meshed()
    await mesh.post('/heartbeat', published('provider', [{ ...greet, tags: ['en', 'b'] }]))
    await mesh.post('/heartbeat', published('consumer', [relay]))

    assert.partialDeepStrictEqual(await consumerIn(mesh), {
      total_dependencies: 2,
      dependencies_resolved: 1,
      dependency_resolutions: [
        {
          function_name: 'relay',
          capability: 'greeting',
          tags: ['en'],
          status: 'available',
          provider_agent_id: 'provider',
          mcp_tool: 'greet',
          endpoint: 'http://10.0.0.1:8080',
        },
        { function_name: 'relay', capability: 'clock', status: 'unresolved' },
      ],
      capabilities: [{ available: false, unavailable_reason: "required dep 'clock' unresolved" }],
    })
  })

  it('follow their providers at once, though the agent itself stays as it is', async () => {
    await using mesh = await meshed()
    await mesh.post('/heartbeat', published('consumer', [relay]))
    const before = await consumerIn(mesh)
    await mesh.post('/heartbeat', published('provider', [{ function_name: 'now', capability: 'clock' }]))
    const during = await consumerIn(mesh)
    await mesh.send('DELETE', '/agents/provider')
    const after = await consumerIn(mesh)

    const shownIn = (agent: Answer) => [agent['dependencies_resolved'], agent['capabilities'][0].available]
    assert.deepEqual([before, during, after].map(shownIn), [
      [0, false],
      [1, true],
      [0, false],
    ])
    assert.equal(after['resource_version'], before['resource_version'])
  })

  it('include the tools and the language model that it asks for', async () => {
    await using mesh = await meshed()
    const schema = { inputSchema: { type: 'object' } }
    await mesh.post('/heartbeat', published('tools', [{ ...greet, ...schema }]))
    await mesh.post('/heartbeat', published('model', [{ function_name: 'complete', capability: 'llm', ...schema }]))
    const ask = {
      function_name: 'ask',
      capability: 'qa',
      llm_filter: { filter: ['greeting', { capability: 'missing' }] },
      llm_provider: { capability: 'llm', tags: [], version: '' },
    }
    await mesh.post('/heartbeat', published('consumer', [ask]))

    const agent = await consumerIn(mesh)

    assert.deepEqual(
      (agent['llm_tool_resolutions'] as Answer[]).map(({ status, mcp_tool }) => [status, mcp_tool]),
      [
        ['available', 'greet'],
        ['unresolved', undefined],
      ],
    )
    assert.partialDeepStrictEqual(agent['llm_provider_resolutions'], [
      { required_capability: 'llm', status: 'available', provider_agent_id: 'model', mcp_tool: 'complete' },
    ])
    assert.deepEqual([agent['total_dependencies'], agent['dependencies_resolved']], [0, 0])
  })

  it('are counted for agents of older generations too', async () => {
    await using mesh = await meshed()
    await mesh.agent('provider', { capabilities: ['clock'], endpoint: 'http://10.0.0.2:80' })
    await mesh.agent('consumer', { dependencies: ['clock', 'missing'] })

    const agent = await consumerIn(mesh)

    assert.deepEqual(
      [agent['dependencies'], agent['total_dependencies'], agent['dependencies_resolved']],
      [['clock', 'missing'], 2, 1],
    )
    assert.partialDeepStrictEqual(agent['dependency_resolutions'], [
      { capability: 'clock', status: 'available', provider_agent_id: 'provider' },
      { capability: 'missing', status: 'unresolved' },
    ])
  })
})

describe('the list of agents', () => {
  it('is the same bytes after a heartbeat, until 5 s have passed', async () => {
    await using mesh = await meshed()
    for (const id of ['a', 'b']) await mesh.agent(id)

    const { before, after, unchanged } = await withinPeriod(async () => {
      const first = await mesh.served.get('/agents')
      await mesh.post('/heartbeat', { agent_id: 'a' })
      await mesh.send('HEAD', '/heartbeat/b')
      const second = await mesh.served.get('/agents')
      const headers = { 'if-none-match': second.headers.get('etag') ?? '' }
      return { before: await first.text(), after: await second.text(), unchanged: await mesh.get('/agents', headers) }
    })

    assert.equal(after, before)
    assert.equal(unchanged.status, 304)
  })

  it('shows a heartbeat as of the last full 5 s, and the agent itself shows it exactly', async () => {
    await using mesh = await meshed()
    await mesh.agent('a')

    const { period, exact, agent } = await withinPeriod(async () => {
      const start = Date.now() - (Date.now() % 5000)
      await mesh.post('/heartbeat', { agent_id: 'a' })
      const { body } = await mesh.get('/agents/a')
      return { period: start, exact: body, agent: (await listed(mesh))[0] }
    })

    assert.ok(Date.parse(exact['last_seen'] as string) >= period)
    assert.equal(exact['last_seen'], exact['last_heartbeat'])
    assert.equal(agent?.['last_seen'], new Date(period).toISOString())
    assert.equal(agent['last_heartbeat'], agent['last_seen'])
  })

  it('shows a registration, a change, a change of status and a removal at once', async () => {
    await using mesh = await meshed()
    await mesh.agent('a')
    assert.deepEqual(await mesh.ids(''), ['a'])

    await mesh.agent('b', { timeout_threshold: 5, eviction_threshold: 10 })
    assert.deepEqual(await mesh.ids(''), ['a', 'b'])
    await mesh.agent('a', { description: 'changed', timeout_threshold: 3600 })
    assert.equal((await listed(mesh))[0]?.['description'], 'changed')
    await mesh.post('/heartbeat', { agent_id: 'a', status: 'degraded' })
    assert.equal((await listed(mesh))[0]?.['status'], 'degraded')
    mesh.pass(20)
    assert.equal((await listed(mesh))[1]?.['status'], 'offline')
    await mesh.send('DELETE', '/agents/b')
    assert.deepEqual(await mesh.ids(''), ['a'])
  })

  it('shows null for an agent without a heartbeat', async () => {
    await using mesh = await meshed()
    await mesh.post('/mcp/tools/register_agent', { registration_data: { id: 'a' } })

    const [agent] = await listed(mesh)

    assert.deepEqual([agent?.['last_seen'], agent?.['last_heartbeat']], [null, null])
  })

  it('follows the status of a shadowed agent, which has no revision', async () => {
    await using mesh = await meshed({ servers: [{ name: 'a' }] })
    await mesh.agent('a')
    assert.equal((await listed(mesh))[0]?.['status'], 'healthy')

    await mesh.post('/heartbeat', { agent_id: 'a', status: 'degraded' })

    assert.equal((await listed(mesh))[0]?.['status'], 'degraded')
  })
})

describe('GET /agents/{id}/status', () => {
  it('shows the status, the lease and the availability of the functions, not the definition', async () => {
    await using mesh = await meshed()
    await mesh.post('/heartbeat', published('team/a b', [greet], { timeout_threshold: 20, eviction_threshold: 600 }))
    const path = `/agents/${encodeURIComponent('team/a b')}/status`

    const { body } = await mesh.get(path)
    mesh.pass(30)
    const later = (await mesh.get(path)).body

    assert.partialDeepStrictEqual(body, {
      agent_id: 'team/a b',
      status: 'healthy',
      self_reported_status: 'healthy',
      lease: { timeout_threshold: 20, eviction_threshold: 600 },
      capabilities: [{ name: 'greeting', function_name: 'greet', available: true }],
    })
    assert.ok(Date.parse(body['since'] as string) <= Date.now())
    assert.ok(Date.parse(body['last_heartbeat'] as string) <= Date.now())
    assert.ok(!('endpoint' in body))
    assert.partialDeepStrictEqual(later, {
      status: 'unhealthy',
      reason: 'lease_lapsed',
      capabilities: [{ available: false, unavailable_reason: 'agent unhealthy' }],
    })
    assert.equal((await mesh.get('/api/v1/agents/unknown/status')).status, 404)
  })
})

describe('the list of agents on a clock of its own', () => {
  /** Serves the list of a mesh whose heartbeats come at the epoch, at a time that the test sets. */
  async function servedList(options: { maxCollected?: number } = {}) {
    let time = 0
    const stack = new AsyncDisposableStack()
    const mesh = stack.use(createTestMesh())
    const app = createRoutes()
    app.get('/agents', createAgentList(mesh, { now: () => time, ...options }))
    const served = stack.use(await serve({ app }))
    return {
      mesh,
      list: async (at: number) => {
        time = at
        const response = await served.get('/agents')
        return { text: await response.text(), etag: response.headers.get('etag') }
      },
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  }

  it('is made again after each full 5 s', async () => {
    await using served = await servedList()
    await served.mesh.registerAgent('a')

    const [first, same, next] = [await served.list(5_000), await served.list(9_999), await served.list(10_000)]

    assert.equal(same.text, first.text)
    assert.equal(same.etag, first.etag)
    assert.notEqual(next.etag, first.etag)
    assert.match(first.text, /"last_seen":"1970-01-01T00:00:00.000Z"/)
  })

  it('is streamed without an ETag where it is long, with the same members', async () => {
    await using collected = await servedList()
    await using streamed = await servedList({ maxCollected: 2 })
    for (const id of ['a', 'b', 'c']) for (const { mesh } of [collected, streamed]) await mesh.registerAgent(id)
    const membersOf = (text: string) => Object.keys(JSON.parse(text) as object)

    const [short, long] = [await collected.list(0), await streamed.list(0)]

    assert.equal((JSON.parse(long.text) as Answer)['agents'].length, 3)
    assert.deepEqual(membersOf(long.text), membersOf(short.text))
    assert.deepEqual([typeof short.etag, long.etag], ['string', null])
  })
})

describe('GET /capabilities', () => {
  it('streams a long list whole', async () => {
    await using mesh = await meshed()
    const names = Array.from({ length: 620 }, (_, at) => `c${String(at).padStart(3, '0')}`)
    await mesh.agent('a', { capabilities: names })

    const { body } = await mesh.get('/capabilities')

    assert.equal(body['count'], 620)
    assert.deepEqual(
      (body['capabilities'] as Answer[]).map(({ name }) => name as string),
      names,
    )
  })
})
