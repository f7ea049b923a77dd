import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startHere } from '../in-process-daemon.ts'
import { AgentList, AuditTrace, EventList, SchemaList } from './meshctl.ts'

const canonical = { type: 'object', properties: { who: { type: 'string' } }, required: ['who'] }

/** What published runtimes send, at its oddest. */
const registrations = [
  { agent_id: 'bare-1', tools: [{ function_name: 'hello', capability: 'greeting' }] },
  ...['1.0.0', '2.0.0'].map((version) => ({
    agent_id: `hello-${version[0]}`,
    name: 'hello',
    agent_type: 'mcp_agent',
    runtime: 'python',
    version,
    http_host: '127.0.0.1',
    http_port: 8080,
    tools: [
      {
        function_name: 'greet',
        capability: 'greeting',
        version,
        tags: ['en', 'fast'],
        description: 'Says hello.',
        inputSchema: canonical,
        inputSchemaCanonical: canonical,
        inputSchemaHash: 'sha256:00',
        outputSchemaCanonical: canonical,
        outputSchemaHash: 'sha256:01',
        kwargs: { timeout: 30, vendor: 'none' },
      },
      { function_name: '__mesh_job_status', capability: '__mesh_job_status', tags: ['framework'], inputSchema: {} },
    ],
  })),
  {
    agent_id: 'relay-1',
    name: 'relay',
    agent_type: 'mcp_agent',
    runtime: 'typescript',
    version: '',
    http_host: '127.0.0.1',
    http_port: 8081,
    tools: [
      {
        function_name: 'relay',
        capability: 'relay',
        dependencies: [
          { capability: 'greeting', tags: ['en', ['fast', 'slow'], '+cheap', '-old'], version: '>=1.0.0' },
          { capability: 'missing', required: true, tags: [['a', 'b']] },
        ],
        llm_filter: {
          filter: ['greeting', { capability: 'greeting', tags: ['en', ['x', 'y']] }, '*'],
          filter_mode: 'all',
        },
        llm_provider: { capability: 'llm', tags: ['+claude'], version: '', namespace: 'default' },
      },
    ],
  },
]

async function openMesh() {
  const daemon = await startHere('sources: [{ type: agents }]\nstore: { type: memory }\n')
  // The second round resolves what had no provider in the first.
  for (const body of [...registrations, ...registrations]) {
    assert.equal((await daemon.ask('POST', '/heartbeat', body)).status, 200)
  }
  return daemon
}

describe('meshctl', () => {
  it('decodes the list of agents and fills its columns', async () => {
    await using daemon = await openMesh()

    const { agents, count } = AgentList.parse((await daemon.ask('GET', '/agents')).body)
    const relay = agents?.find(({ id }) => id === 'relay-1')
    const hello = agents?.find(({ id }) => id === 'hello-2')

    assert.equal(count, 4)
    assert.deepEqual(
      [relay?.name, relay?.runtime, relay?.agent_type, relay?.status, relay?.endpoint],
      ['relay', 'typescript', 'mcp_agent', 'healthy', 'http://127.0.0.1:8081'],
    )
    assert.deepEqual([relay?.dependencies_resolved, relay?.total_dependencies], [1, 2])
    assert.ok(relay?.created_at && relay.last_seen)
    assert.deepEqual(
      relay.dependency_resolutions?.map(
        ({ function_name, capability, provider_agent_id, mcp_tool, endpoint, status }) => [
          function_name,
          capability,
          provider_agent_id ?? '',
          mcp_tool ?? '',
          endpoint ?? '',
          status,
        ],
      ),
      [
        ['relay', 'greeting', 'hello-2', 'greet', 'http://127.0.0.1:8080', 'available'],
        ['relay', 'missing', '', '', '', 'unresolved'],
      ],
    )
    const [capability] = relay.capabilities ?? []
    assert.deepEqual([capability?.name, capability?.function_name, capability?.available], ['relay', 'relay', false])
    assert.match(capability?.unavailable_reason ?? '', /missing/)
    assert.deepEqual(
      hello?.capabilities
        ?.filter(({ name }) => !name?.startsWith('__mesh_'))
        .map(({ name, function_name, version, tags, available }) => [name, function_name, version, tags, available]),
      [['greeting', 'greet', '2.0.0', ['en', 'fast'], true]],
    )
  })

  it('decodes the events and the trace of each resolution', async () => {
    await using daemon = await openMesh()

    const { events } = EventList.parse((await daemon.ask('GET', '/events?agent_id=relay-1&limit=40')).body)
    const traces = events
      ?.filter(({ event_type }) => /^dependency_(un)?resolved$/.test(event_type ?? ''))
      .map(({ data }) => AuditTrace.parse(data))

    const greeting = traces?.find(({ dep_index }) => dep_index === 0)
    assert.equal(greeting?.chosen?.agent_id, 'hello-2')
    assert.deepEqual(greeting.stages?.at(-1)?.kept, ['hello-2:greet', 'hello-1:greet'])
  })

  it('decodes the list of schemas', async () => {
    await using daemon = await openMesh()

    const { schemas } = SchemaList.parse((await daemon.ask('GET', '/schemas?limit=100')).body)

    assert.deepEqual(schemas.map(({ hash, runtime_origin }) => `${hash} ${runtime_origin}`).toSorted(), [
      'sha256:00 python',
      'sha256:01 python',
    ])
    assert.deepEqual(schemas[0]?.canonical, canonical)
  })
})
