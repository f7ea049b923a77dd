import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Answer, meshed } from './test-mesh-api.ts'

describe('the routes of jobs', () => {
  it('answer 501 with the reason', async () => {
    await using mesh = await meshed()
    for (const [method, path] of [
      ['GET', '/jobs'],
      ['GET', '/jobs/j1'],
      ['GET', '/jobs/j1/events'],
      ['POST', '/jobs'],
      ['POST', '/jobs/batch'],
      ['POST', '/jobs/j1/cancel'],
      ['POST', '/jobs/j1/reclaim'],
      ['POST', '/jobs/j1/release'],
      ['POST', '/jobs/j1/events'],
      ['POST', '/api/v1/jobs'],
    ] as const) {
      const { status, body } = await mesh.send(method, path, method === 'POST' ? {} : undefined)

      assert.deepEqual([status, body['code']], [501, 'jobs_not_served'], `${method} ${path}`)
      assert.match(String(body['error']), /keeps no jobs/)
    }
  })

  it('tell a polling agent that there is no job to claim', async () => {
    await using mesh = await meshed()

    for (const body of [{ agent_id: 'a', limit: 1 }, undefined])
      assert.equal((await mesh.send('POST', '/jobs/claim', body)).status, 204)
    assert.equal((await mesh.get('/jobs/claim')).status, 501, 'a job may have this id')
  })
})

const schemaOf = (name: string) => ({ properties: { [name]: { type: 'string' } }, type: 'object' })

/** A tool as the Python runtime 3.8.0 registers it. */
const toolNamed = (function_name: string, hash: string) => ({
  function_name,
  capability: function_name,
  tags: [],
  inputSchema: { ...schemaOf(function_name), additionalProperties: false },
  inputSchemaCanonical: schemaOf(function_name),
  inputSchemaHash: hash,
})

describe('GET /schemas', () => {
  it('lists the schemas of tools up to a limit, and shows one by its hash', async () => {
    await using mesh = await meshed()
    const tools = [toolNamed('greet', 'sha256:1'), toolNamed('ask', 'sha256:2')]
    await mesh.post('/heartbeat', { agent_id: 'a', runtime: 'python', http_host: '10.0.0.1', http_port: 80, tools })

    const { body } = await mesh.get('/schemas')
    const { created_at } = (await mesh.get('/agents/a')).body
    const shown = await mesh.get(`/schemas/${encodeURIComponent('sha256:1')}`)

    const greeting = { hash: 'sha256:1', canonical: schemaOf('greet'), runtime_origin: 'python', created_at }
    assert.equal(body['count'], 2)
    assert.deepEqual((body['schemas'] as Answer[]).map(({ hash }) => hash as string).toSorted(), [
      'sha256:1',
      'sha256:2',
    ])
    assert.deepEqual([shown.status, shown.body], [200, greeting])
    assert.deepEqual((await mesh.get('/schemas/sha256:1')).body, greeting)
    for (const [limit, count] of [
      ['1', 1],
      ['0', 1],
      ['-5', 1],
      ['', 2],
      ['5000', 2],
    ] as const)
      assert.equal((await mesh.get(`/schemas?limit=${limit}`)).body['count'], count, limit)
  })

  it('rejects a limit that is no number, and an unknown hash', async () => {
    await using mesh = await meshed()

    const invalid = await mesh.get('/schemas?limit=many')
    const unknown = await mesh.get('/schemas/sha256:0')

    assert.deepEqual([invalid.status, invalid.body['parameter']], [400, 'limit'])
    assert.deepEqual([unknown.status, unknown.body['code']], [404, 'schema_not_found'])
    assert.match(String(unknown.body['error']), /sha256:0 not found/)
  })
})

describe('GET /a2a/agents', () => {
  const surfaces = [{ path: '/a2a/weather', skill_id: 'weather', name: 'Weather' }]

  it('lists the surfaces of A2A agents of any status, with public addresses where the config has a URL', async () => {
    let a2a_url: string | undefined
    await using mesh = await meshed({ publish: () => (a2a_url === undefined ? {} : { a2a_url }) })
    const registration = { tools: [], http_host: '10.0.0.1', http_port: 80, surfaces }
    await mesh.post('/heartbeat', { agent_id: 'a', agent_type: 'a2a', ...registration })
    await mesh.post('/heartbeat', { agent_id: 'b', agent_type: 'mcp_agent', ...registration })
    mesh.pass(100)

    const { body } = await mesh.get('/a2a/agents')
    a2a_url = 'https://agents.example.org'
    const published = await mesh.get('/a2a/agents')

    const surface = { agent_id: 'a', path: '/a2a/weather', skill_id: 'weather' }
    assert.deepEqual(body, { surfaces: [surface] })
    assert.deepEqual(published.body['surfaces'], [
      {
        ...surface,
        public_url: 'https://agents.example.org/a2a/weather',
        agent_card_url: 'https://agents.example.org/a2a/weather/.well-known/agent.json',
      },
    ])
  })
})
