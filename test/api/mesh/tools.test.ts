import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { openMemory } from '../../../src/stores/memory.ts'
import { type Answer, meshed } from './test-mesh-api.ts'

/** What the Python runtime 3.8.0 sends; the Rust core below it is shared with TypeScript. */
const relay = {
  agent_id: 'relay-87ff3519',
  name: 'relay',
  agent_type: 'mcp_agent',
  version: '1.0.0',
  http_host: '127.0.0.1',
  http_port: 18_211,
  namespace: 'default',
  status: 'healthy',
  runtime: 'python',
  tools: [
    {
      function_name: 'relay',
      capability: 'relay',
      version: '1.0.0',
      tags: ['relay'],
      dependencies: [{ capability: 'greeting' }],
      inputSchema: { additionalProperties: false, properties: { who: { type: 'string' } }, type: 'object' },
      outputSchema: { type: 'string' },
      inputSchemaCanonical: { properties: { who: { type: 'string' } }, type: 'object' },
      inputSchemaHash: 'sha256:0c54ab0a0b32231d243f1aaf0c88eb861fbdeeac278a191d99764213b9f2e598',
      outputSchemaCanonical: { type: 'string' },
      outputSchemaHash: 'sha256:00404e686415370f1711c4d7acfa2905444d3cf23cef2e10c47d445ebe690f96',
      kwargs: { task: false, resume_cursor: false, function_name: 'relay' },
    },
    {
      function_name: '__mesh_job_status',
      capability: '__mesh_job_status',
      version: '1.0.0',
      tags: ['mesh-jobs', 'framework'],
      description: '[Framework] Return the latest mesh-registry state for a job_id.',
      outputSchema: { additionalProperties: true, type: 'object' },
      schemaWarnings: ['stripped additionalProperties: true (lossy)'],
      kwargs: { function_name: '__mesh_job_status', framework_internal: true },
    },
  ],
  a2a_producer: false,
  a2a_consumer: false,
}

/** What the Python runtime 0.3.0 sends. */
const oldRelay = {
  agent_id: 'relay-42686a27',
  agent_type: 'mcp_agent',
  name: 'relay-42686a27',
  version: '1.0.0',
  http_host: '127.0.0.1',
  http_port: 18_311,
  timestamp: '2025-07-01T14:28:20.946487+00:00',
  namespace: 'default',
  tools: [
    {
      function_name: 'relay',
      capability: 'relay',
      version: '1.0.0',
      tags: ['relay'],
      dependencies: [{ capability: 'greeting', tags: [], version: '', namespace: 'default' }],
    },
  ],
}

type Mesh = Awaited<ReturnType<typeof meshed>>
const beat = (mesh: Mesh, body: object) => mesh.post('/heartbeat', body)
const shown = async (mesh: Mesh, id: string) => (await mesh.get(`/agents/${id}`)).body
const capabilitiesOf = async (mesh: Mesh) =>
  ((await mesh.get('/capabilities')).body['capabilities'] as Answer[]).map(({ name }) => name as string)

describe('a registration with tools', () => {
  it('makes capabilities of the tools, an endpoint of host and port, and dependencies of all functions', async () => {
    await using mesh = await meshed()

    for (const [body, endpoint] of [
      [relay, 'http://127.0.0.1:18211'],
      [oldRelay, 'http://127.0.0.1:18311'],
    ] as const) {
      assert.equal((await beat(mesh, body)).status, 200)
      const agent = await shown(mesh, body.agent_id)
      assert.deepEqual(
        [
          agent['endpoint'],
          agent['name'],
          agent['agent_type'],
          agent['version'],
          agent['status'],
          agent['dependencies'],
        ],
        [endpoint, body.name, 'mcp_agent', '1.0.0', 'healthy', ['greeting']],
      )
      const [capability, ...others] = agent['capabilities'] as Answer[]
      assert.deepEqual([capability?.['name'], capability?.['tags']], ['relay', ['relay']])
      // As in the original, internal functions are shown here; `/capabilities` hides them.
      assert.deepEqual(
        others.map(({ function_name }) => function_name as string),
        body.tools.slice(1).map(({ function_name }) => function_name),
      )
    }
    assert.deepEqual(await capabilitiesOf(mesh), ['relay', 'relay'])
    assert.equal((await mesh.get('/servers/default/relay-87ff3519')).body['url'], 'http://127.0.0.1:18211')
  })

  it('needs no agent type, and is taken at POST /agents too', async () => {
    await using mesh = await meshed()
    const tools = [{ function_name: 'hello', capability: 'greeting' }]

    assert.equal((await beat(mesh, { agent_id: 'minimal', tools })).status, 200)
    assert.equal(
      (await mesh.post('/agents', { agent_id: 'posted', tools, metadata: {}, status: 'unhealthy' })).status,
      200,
    )

    assert.deepEqual(await mesh.ids('?capability=greeting'), ['minimal', 'posted'])
    assert.deepEqual(
      [(await shown(mesh, 'minimal'))['agent_type'], (await shown(mesh, 'posted'))['status']],
      ['mcp_agent', 'unhealthy'],
    )
  })

  it('stands against a bare heartbeat, which registers nothing', async () => {
    await using mesh = await meshed()
    assert.equal((await beat(mesh, { agent_id: relay.agent_id })).status, 404)
    await beat(mesh, relay)

    const { status, body } = await beat(mesh, { agent_id: relay.agent_id })

    assert.deepEqual([status, body['agent_id']], [200, relay.agent_id])
    assert.deepEqual(await capabilitiesOf(mesh), ['relay'])
  })

  it('that repeats the stored one makes no version and no write', async () => {
    const store = openMemory({ log: silent })
    let writes = 0
    const commit: typeof store.commit = (operations) => {
      writes += operations.filter(({ type }) => type !== 'confirm').length
      return store.commit(operations)
    }
    await using mesh = await meshed({ store: { ...store, commit } })
    const version = async (body: object) => (await beat(mesh, body)).body['resource_version'] as string

    for (const body of [relay, oldRelay]) {
      writes = 0
      const first = await version(body)
      assert.equal(await version(body), first)
      assert.equal(await version({ ...body, timestamp: '2026-01-01T00:00:00Z' }), first)
      assert.equal(writes, 1)
      const [tool, ...rest] = body.tools
      assert.notEqual(await version({ ...body, tools: [{ ...tool, version: '2.0.0' }, ...rest] }), first)
    }
  })

  it('replaces the tools before, and may clear them', async () => {
    await using mesh = await meshed()
    await beat(mesh, relay)
    await beat(mesh, { ...relay, tools: [{ function_name: 'other', capability: 'other' }] })
    assert.deepEqual(await capabilitiesOf(mesh), ['other'])

    await beat(mesh, { ...relay, tools: [] })

    assert.deepEqual(await capabilitiesOf(mesh), [])
    assert.deepEqual((await shown(mesh, relay.agent_id))['dependencies'], [])
  })

  it('without a port keeps the known endpoint, and has none before', async () => {
    await using mesh = await meshed()
    const endpoint = async (fields: object) => {
      assert.equal((await beat(mesh, { ...relay, ...fields })).status, 200)
      return (await shown(mesh, relay.agent_id))['endpoint'] as string
    }

    assert.equal(await endpoint({ http_port: 0 }), 'stdio://relay-87ff3519')
    assert.equal(await endpoint({ http_port: 9000 }), 'http://127.0.0.1:9000')
    assert.equal(await endpoint({ http_port: 0 }), 'http://127.0.0.1:9000')
    assert.equal(await endpoint({ http_host: null, http_port: null }), 'http://127.0.0.1:9000')
    assert.equal(await endpoint({ http_host: '::1', http_port: 9001 }), 'http://[::1]:9001')
  })

  it('takes ids and names in any spelling', async () => {
    await using mesh = await meshed()

    await beat(mesh, { ...relay, agent_id: 'My_Agent 1', name: 'My_Agent' })

    const agent = await shown(mesh, 'My_Agent%201')
    assert.deepEqual(
      [agent['id'], agent['name'], agent['title'], agent['annotations']],
      ['My_Agent 1', 'My_Agent', 'My_Agent', {}],
    )
  })

  it('is refused with the place of the problem, and registers nothing', async () => {
    await using mesh = await meshed()
    const f = (fields: object) => ({ tools: [{ function_name: 'f', ...fields }] })
    const cases: readonly (readonly [body: object, field: string])[] = [
      [{ tools: 'greet' }, 'tools'],
      [{ tools: { greet: {} } }, 'tools'],
      [{ tools: [{ capability: 'x' }] }, 'tools[0].function_name'],
      [{ tools: Array.from({ length: 10_000 }, (_, at) => ({ function_name: `f${at}` })) }, 'tools'],
      [{ tools: [{ function_name: 'f' }, { function_name: 'f' }] }, 'tools[1].function_name'],
      [f({ capability: 'a', dependencies: [{ capability: 'a', required: true }] }), 'tools[0].dependencies[0]'],
      [
        f({ dependencies: [{ capability: 'a', tags: [[[[[[[[[['x']]]]]]]]]] }] }),
        'tools[0].dependencies[0].tags[0][0]',
      ],
      [f({ dependencies: [{ capability: 'a', matchMode: 'fuzzy' }] }), 'tools[0].dependencies[0].matchMode'],
      [f({ kwargs: { blob: 'x'.repeat(1_000_000) } }), 'tools[0].kwargs'],
      [{ http_port: 70_000 }, 'http_port'],
      [{ http_port: 'http' }, 'http_port'],
      [{ http_host: 'http://host' }, 'http_host'],
      [{ http_host: 'host/path' }, 'http_host'],
      [{ http_host: 'user:secret@host' }, 'http_host'],
      [{ runtime: 5 }, 'runtime'],
      [{ a2a_producer: 'yes' }, 'a2a_producer'],
      [{ surfaces: [{ path: '/a' }] }, 'surfaces[0].skill_id'],
      [{ namespace: 'Not A Label' }, 'namespace'],
    ]

    for (const [fields, field] of cases)
      for (const path of ['/heartbeat', '/agents']) {
        const { status, body } = await mesh.post(path, { ...relay, ...fields })
        assert.deepEqual([status, body['field']], [400, field], path)
        assert.ok((body['detail'] as string).includes(`'${field}'`), body['detail'] as string)
        assert.doesNotMatch(JSON.stringify(body), /secret/)
      }
    assert.deepEqual(await mesh.ids(''), [])
    await beat(mesh, relay)
    const before = (await shown(mesh, relay.agent_id))['resource_version'] as string
    for (const [fields] of cases) assert.equal((await beat(mesh, { ...relay, ...fields })).status, 400)
    assert.equal((await shown(mesh, relay.agent_id))['resource_version'], before, 'the registration before stays')
  })

  it('that no store can hold is refused', async () => {
    await using mesh = await meshed()
    const tools = Array.from({ length: 40 }, (_, at) => ({
      function_name: `f${at}`,
      kwargs: { blob: 'x'.repeat(30_000) },
    }))

    const { status, body } = await mesh.served
      .get('/heartbeat', { method: 'POST', body: JSON.stringify({ ...relay, tools }) })
      .then(async (answer) => ({ status: answer.status, body: (await answer.json()) as Answer }))

    assert.equal(status, 400, JSON.stringify(body))
    assert.match(body['detail'] as string, /at most 1048576 characters/)
    assert.deepEqual(await mesh.ids(''), [])
  })

  it('that closes a cycle of required dependencies is refused, also over several agents', async () => {
    await using mesh = await meshed()
    const needs = (agent_id: string, capability: string, needed: string, required = true) =>
      beat(mesh, {
        agent_id,
        tools: [{ function_name: 'f', capability, dependencies: [{ capability: needed, required }] }],
      })
    await needs('one', 'a', 'b')
    await needs('two', 'b', 'c')

    const { status, body } = await needs('three', 'c', 'a')

    assert.deepEqual([status, body['field']], [400, 'tools[0].dependencies[0]'])
    assert.match(body['detail'] as string, /required dependency cycle: c → a → b → c/)
    assert.deepEqual(await mesh.ids(''), ['one', 'two'])
    assert.equal((await needs('three', 'c', 'a', false)).status, 200)
    await mesh.send('DELETE', '/agents/one')
    assert.equal((await needs('three', 'c', 'a')).status, 200)
  })
})
