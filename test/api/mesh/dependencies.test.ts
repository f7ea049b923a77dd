import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { meshed } from './test-mesh-api.ts'

const clock = { function_name: 'now', capability: 'clock', kwargs: { api_key: 'k-123456' } }
const greeter = {
  function_name: 'greet',
  capability: 'greeting',
  dependencies: [{ capability: 'clock' }, { capability: 'none' }],
}

const beat = (api: Awaited<ReturnType<typeof meshed>>, agent_id: string, tools: readonly object[]) =>
  api.post('/heartbeat', { agent_id, agent_type: 'mcp_agent', http_host: '10.0.0.1', http_port: 9000, tools })

describe('dependencies over HTTP', () => {
  it('the answer to a heartbeat has the members that published runtimes read', async () => {
    await using api = await meshed()
    const provider = await beat(api, 'p', [clock])
    const { status, body } = await beat(api, 'c', [greeter])

    assert.equal(status, 200)
    assert.deepEqual([provider.body['dependencies_resolved'], provider.body['llm_tools']], [{}, {}])
    assert.deepEqual(body['dependencies_resolved'], {
      greet: [
        {
          agent_id: 'p',
          capability: 'clock',
          function_name: 'now',
          endpoint: 'http://10.0.0.1:9000',
          kwargs: { api_key: 'k-123456' },
          status: 'available',
        },
        { agent_id: '', capability: 'none', function_name: '', endpoint: '', status: 'unavailable' },
      ],
    })
    assert.deepEqual(body['llm_tools'], {})
    assert.equal('llm_providers' in body, false)
  })

  it('the answer to a Python runtime before 0.8 ends with the last place that has a provider', async () => {
    await using api = await meshed()
    const none = { capability: 'none' }
    const tools = [
      { function_name: 'gone', dependencies: [none] },
      { function_name: 'greet', dependencies: [none, { capability: 'clock' }, none] },
    ]
    await beat(api, 'p', [clock])

    const { body } = await api.post(
      '/heartbeat',
      { agent_id: 'c', http_host: '10.0.0.1', http_port: 9000, tools },
      { 'user-agent': 'OpenAPI-Generator/1.0.0/python' },
    )

    const resolved = body['dependencies_resolved'] as Record<string, { capability: string; status: string }[]>
    assert.deepEqual(
      Object.entries(resolved).map(([name, slots]) => [name, slots.map(({ status }) => status)]),
      [
        ['gone', []],
        ['greet', ['unavailable', 'available']],
      ],
    )
  })

  it('HEAD answers 202 from a change until the next POST, else 200', async () => {
    await using api = await meshed()
    const head = async () => (await api.send('HEAD', '/heartbeat/c')).status
    await beat(api, 'c', [greeter])
    assert.equal(await head(), 200)
    await beat(api, 'p', [clock])
    assert.deepEqual([await head(), await head()], [202, 202])
    await beat(api, 'c', [greeter])
    assert.equal(await head(), 200)
    await api.send('DELETE', '/agents/p')
    assert.equal(await head(), 202)
  })

  it('GET /dependencies shows the functions of every agent with their providers, without secrets', async () => {
    await using api = await meshed()
    await beat(api, 'c', [greeter])
    await beat(api, 'p', [clock])
    await api.agent('old', { dependencies: ['clock'] })

    const { status, body } = await api.get('/dependencies')

    assert.equal(status, 200)
    assert.ok(!JSON.stringify(body).includes('k-123456'))
    const agents = body['agents'] as readonly Record<string, unknown>[]
    assert.deepEqual(
      agents.map(({ agent_id, functions }) => [agent_id, (functions as readonly unknown[]).length]),
      [
        ['c', 1],
        ['old', 1],
        ['p', 1],
      ],
    )
    const [{ functions } = assert.fail()] = agents
    const provider = { agent_id: 'p', function_name: 'now', version: '1.0.0', endpoint: 'http://10.0.0.1:9000' }
    const plain = { tags: [], version: '', required: false }
    assert.deepEqual(functions, [
      {
        function_name: 'greet',
        capability: 'greeting',
        dependencies: [
          {
            capability: 'clock',
            ...plain,
            status: 'available',
            provider: { ...provider, kwargs: { api_key: '<redacted>' } },
          },
          { capability: 'none', ...plain, status: 'unavailable', provider: null },
        ],
      },
    ])
    assert.equal((await api.get('/dependencies?limit=1')).body['count'], 1)
    assert.equal((await api.get('/dependencies?limit=x')).status, 400)
  })

  it('GET /dependencies/{agent} explains each dependency; an unknown agent is a 404', async () => {
    await using api = await meshed()
    await beat(api, 'c', [greeter])
    await beat(api, 'p', [clock])

    const { status, body } = await api.get('/api/v1/dependencies/c')

    assert.equal(status, 200)
    const [{ dependencies } = assert.fail()] = body['functions'] as { dependencies: Record<string, unknown>[] }[]
    assert.deepEqual(
      dependencies.map(({ capability, decided_by, candidates }) => [capability, decided_by, (candidates as []).length]),
      [
        ['clock', 'only_candidate', 1],
        ['none', 'none', 0],
      ],
    )
    assert.ok(!JSON.stringify(body).includes('k-123456'))
    const unknown = await api.get('/dependencies/unknown')
    assert.deepEqual([unknown.status, unknown.body['code']], [404, 'agent_not_found'])
  })

  it('the tool heartbeat answers as the route does', async () => {
    await using api = await meshed()
    await beat(api, 'p', [clock])
    await beat(api, 'c', [greeter])

    const { body } = await api.post('/mcp/tools/heartbeat', { agent_id: 'c' })

    assert.equal((body['dependencies_resolved'] as { greet: { agent_id: string }[] }).greet[0]?.agent_id, 'p')
  })

  it('views of agents hide tokens and passwords in dependencies and tags, and the answer to a heartbeat has them', async () => {
    await using api = await meshed()
    const capability = 'ghp_canary0123456789'
    const url = 'https://me:canary@host.example/maps'
    const tags = ['ghp_canary9876543210', 'fast']
    const fields = { endpoint: 'https://me:canary@host.example/mcp#canary1canary2CANARY3', tags }
    await beat(api, 'p', [{ function_name: 'now', capability, tags, dependencies: [{ capability: url, tags }] }])
    const { body } = await beat(api, 'c', [{ ...greeter, tags, dependencies: [{ capability, tags }] }])
    await api.agent('old', { ...fields, dependencies: [capability, url], capabilities: [{ name: 'maps', tags }] })

    assert.partialDeepStrictEqual(body['dependencies_resolved'], { greet: [{ agent_id: 'p', capability }] })
    const agents = ['p', 'c', 'old'].flatMap((id) => [`/agents/${id}`, `/dependencies/${id}`])
    for (const path of [
      '/agents',
      '/capabilities?name=maps',
      '/capabilities?name=greeting',
      '/dependencies',
      ...agents,
    ]) {
      const shown = await api.get(path)
      assert.equal(shown.status, 200, path)
      assert.doesNotMatch(JSON.stringify(shown.body).replaceAll(`"name":"${capability}"`, ''), /canary/i, path)
    }
    assert.equal((await api.get('/agents?tags=fast')).status, 200)
  })
})
