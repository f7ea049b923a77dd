import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { temporary } from '../e2e/daemon-process.ts'
import { startHere } from '../in-process-daemon.ts'

const memory = 'sources: [{ type: agents }]\nstore: { type: memory }\n'
const eras = [
  { mode: 'legacy', revision: '2025-11-25' },
  { mode: 'auto', revision: '2026-07-28' },
] as const

type Era = (typeof eras)[number]['mode']
type Daemon = Awaited<ReturnType<typeof startHere>>

/** Connects a real client of one era of the protocol; disposing closes it. */
async function connect(daemon: Daemon, mode: Era = 'auto', token?: string) {
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } })
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${daemon.url}/mcp`), { requestInit: { headers } }))
  /** Calls a tool; its structured content, or the text of its error. */
  const call = async (name: string, args: Record<string, unknown> = {}) => {
    const { structuredContent, content, isError = false } = await client.callTool({ name, arguments: args })
    const [first] = content
    const text = first?.type === 'text' ? first.text : ''
    if (!isError) assert.deepEqual(JSON.parse(text), structuredContent)
    return { isError, text, result: structuredContent as Record<string, unknown> | undefined }
  }
  return { client, call, [Symbol.asyncDispose]: () => client.close() }
}

const weather = {
  name: 'weather',
  url: 'http://weather.example/mcp',
  health_check: 'none',
  tags: ['geo'],
  headers: { authorization: 'Bearer canary-1' },
  metadata: { api_key: 'canary-2' },
}

describe('MCP endpoint', () => {
  for (const { mode, revision } of eras) {
    it(`lets a client of ${revision} register, find and unregister agents, and find servers`, async () => {
      await using daemon = await startHere(memory)
      await using session = await connect(daemon, mode)
      const { client, call } = session
      await daemon.ask('POST', '/servers', weather)

      assert.equal(client.getNegotiatedProtocolVersion(), revision)
      const agent = { id: 'owl', capabilities: [{ name: 'see', version: '1.2.0' }], dependencies: ['hear'] }
      const registered = await call('register_agent', { registration_data: agent })
      const pending = await call('get_agent_status', { agent_id: 'owl' })
      const heartbeat = await call('heartbeat', { agent_id: 'owl', status: 'degraded' })
      const healthy = await call('discover_services', { query: { capabilities: ['see'] } })
      const degraded = await call('discover_services', { query: { status: 'degraded', version_constraint: '^1.0' } })
      const capabilities = await call('list_capabilities', { name: 'SE', agent_status: '' })
      const tagged = await call('list_servers', { tag: ['geo'], fields: ['name', 'status'] })
      const one = await call('get_server', { name: 'owl' })

      assert.deepEqual([registered.result?.['agent_id'], heartbeat.result?.['status']], ['owl', 'success'])
      assert.deepEqual(registered.result?.['dependencies_resolved'], { hear: null })
      assert.match(pending.text, /"status":"pending"/)
      assert.deepEqual([healthy.result?.['count'], degraded.result?.['count']], [0, 1])
      assert.deepEqual([capabilities.result?.['count'], capabilities.result?.['total']], [1, 1])
      assert.deepEqual(tagged.result?.['servers'], [{ name: 'weather', status: 'unknown' }])
      assert.equal(one.result?.['discovery_method'], 'registered')
      assert.equal((await daemon.ask('GET', '/agents/owl')).body['status'], 'degraded')

      assert.equal((await call('unregister_agent', { agent_id: 'owl' })).isError, false)
      assert.deepEqual(await call('unregister_agent', { agent_id: 'owl' }), {
        isError: true,
        text: 'Agent owl not found',
        result: undefined,
      })
    })
  }

  it('discovers servers that are not agents where the arguments say so', async () => {
    await using daemon = await startHere(memory)
    await using session = await connect(daemon)
    const capabilities = [{ name: 'forecast' }]
    for (const name of ['weather', 'tides']) await daemon.ask('POST', '/servers', { ...weather, name, capabilities })

    const agents = await session.call('discover_services', { capabilities: ['forecast'], status: '' })
    const all = await session.call('discover_services', {
      query: { capabilities: 'forecast', status: '' },
      include_servers: true,
    })

    assert.deepEqual([agents.result?.['count'], agents.result?.['agents']], [0, []])
    assert.match(String(agents.result?.['hint']), /include_servers: true/)
    const servers = all.result?.['servers'] as { name: string }[]
    assert.deepEqual([all.result?.['count'], servers.map(({ name }) => name)], [2, ['tides', 'weather']])
    assert.doesNotMatch(all.text, /canary/)
  })

  it('lists tools with their schemas in a fixed order', async () => {
    await using daemon = await startHere(memory)
    await using session = await connect(daemon)
    const { client } = session

    const { tools } = await client.listTools()

    assert.deepEqual(
      tools.map(({ name, annotations }) => `${name}${annotations?.readOnlyHint === true ? '' : ' writes'}`),
      [
        'list_servers',
        'get_server',
        'register_agent writes',
        'unregister_agent writes',
        'discover_services',
        'heartbeat writes',
        'get_agent_status',
        'list_capabilities',
      ],
    )
    assert.ok(tools.every(({ description, inputSchema, outputSchema }) => description && inputSchema && outputSchema))
    assert.ok('label_selector' in (tools[0]?.inputSchema.properties ?? {}))
    assert.deepEqual((await client.listTools()).tools, tools)
    assert.equal(client.getServerCapabilities()?.tools?.listChanged, false)
  })

  it('reports invalid arguments by name', async () => {
    await using daemon = await startHere(memory)
    await using session = await connect(daemon)
    const { call } = session

    for (const [tool, args, message] of [
      ['list_servers', { nonsense: 1 }, /nonsense/],
      ['list_servers', { label_selector: '=' }, /label selector/i],
      ['list_servers', { continue: 'x' }, /continue/],
      ['get_server', { name: 'missing' }, /Server "default\/missing" not found/],
      ['get_server', {}, /name/],
      ['register_agent', { registration_data: { id: 'a\0b' } }, /id/],
      ['register_agent', { registration_data: { id: 'a', labels: { 'no label': 'x' } } }, /labels/],
      ['register_agent', {}, /registration_data/],
      ['heartbeat', { agent_id: 'missing' }, /missing not found/],
      ['get_agent_status', { agent_id: 'missing' }, /not found/],
      ['discover_services', { query: { version_constraint: 'x y' } }, /version_constraint/],
      ['discover_services', { query: {}, capabilites: ['see'] }, /capabilites is unknown: send \{"query": /],
      ['discover_services', { query: { name: 'see' } }, /name is unknown: send \{"query": /],
      ['list_capabilities', { stability: 'odd' }, /stability/],
    ] as const) {
      const { isError, text } = await call(tool, args)
      assert.ok(isError, tool)
      assert.match(text, message)
    }
    await assert.rejects(session.client.callTool({ name: 'drop_everything' }), /drop_everything/)
  })

  it('lets readers read, and registrars write in their namespaces only', async () => {
    const grants =
      '[{ name: bot, token: robot, role: registrar, namespaces: [team-a] }, { name: eye, token: looker, role: reader }]'
    await using daemon = await startHere(`${memory}auth: { tokens: ${grants}, anonymous: none }\n`)
    await using reader = await connect(daemon, 'auto', 'looker')
    await using bot = await connect(daemon, 'auto', 'robot')
    const register = (session: typeof reader, namespace: string) =>
      session.call('register_agent', { registration_data: { id: 'owl', namespace } })

    const asReader = await register(reader, 'team-a')
    const inOtherNamespace = await register(bot, 'team-b')
    const accepted = await register(bot, 'team-a')

    assert.match(asReader.text, /Role "registrar" required/)
    assert.match(inOtherNamespace.text, /Namespace "team-b" is not permitted for this token/)
    assert.equal(accepted.isError, false)
    assert.equal((await reader.call('list_servers')).result?.['count'], 1)
    await assert.rejects(connect(daemon), /401|Unauthorized/i)
    await assert.rejects(connect(daemon, 'legacy', 'guessed'), /401|Unauthorized/i)
    assert.ok(daemon.lines.some(({ audit, principal }) => audit === true && principal === 'bot'))
  })

  it('lists servers and agents as resources in pages, with URL-encoded names', async () => {
    using folder = temporary()
    const odd = 'io.github/a b?ü'
    const names = Array.from({ length: 600 }, (_, index) => `s${index}`)
    const servers = Object.fromEntries([odd, ...names].map((name) => [name, { ...weather, name }]))
    writeFileSync(folder.at('many.json'), JSON.stringify({ servers }))
    const file = `{ type: file, paths: [${folder.at('many.json')}] }`
    await using daemon = await startHere(`sources: [{ type: agents }, ${file}]\nstore: { type: memory }\n`)
    await using session = await connect(daemon)
    const { client, call } = session
    await call('register_agent', { registration_data: { id: 'owl' } })

    const first = await client.request({ method: 'resources/list' })
    const second = await client.request({ method: 'resources/list', params: { cursor: first.nextCursor ?? '' } })

    assert.deepEqual([first.resources.length, second.resources.length, second.nextCursor], [501, 102, undefined])
    const uris = [...first.resources, ...second.resources].map(({ uri }) => uri)
    assert.equal(new Set(uris).size, 603)
    const oddUri = uris.find((uri) => uri.includes('github')) ?? assert.fail()
    const read = async (uri: string) => {
      const [content] = (await client.readResource({ uri })).contents
      return JSON.parse(content && 'text' in content ? content.text : '') as Record<string, unknown>
    }
    assert.equal((await read(oddUri))['name'], odd)
    assert.equal((await read('roster://agents/owl'))['endpoint'], 'stdio://owl')
    for (const uri of [
      'roster://servers/default/missing',
      'roster://agents/missing',
      'roster://agents/%',
      'file:///etc/passwd',
    ]) {
      await assert.rejects(client.readResource({ uri }), /not found/i)
    }
    await assert.rejects(client.request({ method: 'resources/list', params: { cursor: 'x' } }), /cursor/)
  })

  it('quotes an unknown id in part only', async () => {
    await using daemon = await startHere(memory)
    const { status, text } = await daemon.ask('POST', '/mcp/tools/get_agent_status', { agent_id: 'x'.repeat(240_000) })
    const { text: got } = await daemon.ask('GET', `/agents/${'x'.repeat(6000)}`)

    assert.ok(status >= 400)
    assert.ok(text.length < 2000 && got.length < 2000, `${text.length} ${got.length}`)
  })

  it('has no agents if no source accepts them', async () => {
    await using daemon = await startHere('sources: [{ type: env }]\nstore: { type: memory }\n')
    await using session = await connect(daemon)

    await assert.rejects(session.client.readResource({ uri: 'roster://agents/owl' }), /not found/i)
  })

  it('notifies subscribers of the newest revision about changes', async () => {
    await using daemon = await startHere(memory)
    await using session = await connect(daemon)
    const { client } = session
    await daemon.ask('POST', '/servers', weather)
    const updated = Promise.withResolvers<string>()
    const changed = Promise.withResolvers<boolean>()
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => updated.resolve(params.uri))
    client.setNotificationHandler('notifications/resources/list_changed', () => changed.resolve(true))

    const subscription = await client.listen({
      resourcesListChanged: true,
      resourceSubscriptions: ['roster://servers/default/weather'],
    })
    await daemon.ask('PATCH', '/servers/weather', { tags: ['new'] })
    await daemon.ask('POST', '/servers', { ...weather, name: 'maps' })

    assert.equal(await updated.promise, 'roster://servers/default/weather')
    assert.equal(await changed.promise, true)
    await subscription.close()
  })

  it('redacts secrets in every tool and resource', async () => {
    await using daemon = await startHere(memory)
    await using session = await connect(daemon)
    const { client, call } = session
    await daemon.ask('POST', '/servers', weather)
    const config = { token: 'canary-3' }
    await call('register_agent', {
      registration_data: { id: 'owl', endpoint: 'http://me:canary-4@owl.example', config },
    })

    const responses = [
      await call('list_servers', { view: 'full' }),
      await call('get_server', { name: 'weather' }),
      await call('get_server', { name: 'owl' }),
      await call('get_agent_status', { agent_id: 'owl' }),
      await call('discover_services', { query: { status: '' } }),
      await call('list_capabilities', { agent_status: '' }),
      await client.readResource({ uri: 'roster://servers/default/weather' }),
      await client.readResource({ uri: 'roster://agents/owl' }),
      await client.listResources(),
    ]

    assert.doesNotMatch(JSON.stringify([responses, daemon.lines]), /canary/)
    assert.match(JSON.stringify(responses), /redacted/)
  })

  it('rejects foreign origins, other methods and bodies that are not JSON-RPC', async () => {
    await using daemon = await startHere(memory)
    const body = { jsonrpc: '2.0', id: 1, method: 'ping' }
    const ask = (headers: Record<string, string>, payload: unknown = body) =>
      daemon.ask('POST', '/mcp', payload, { accept: 'application/json, text/event-stream', ...headers })

    assert.equal((await ask({ origin: 'https://evil.example' })).status, 403)
    assert.equal((await ask({ 'content-type': 'text/plain' })).status, 415)
    assert.equal((await ask({}, '{"jsonrpc"')).status, 400)
    assert.equal((await ask({}, '')).status, 400)
    assert.equal((await ask({}, 'x'.repeat(2_000_000))).status, 413)
    assert.ok((await ask({}, { hello: 1 })).status >= 400)
    assert.equal((await daemon.ask('GET', '/mcp')).status, 405)
    assert.equal((await daemon.ask('DELETE', '/mcp')).status, 405)
    const headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' }
    const response = await daemon.get('/mcp', { method: 'POST', headers, body: JSON.stringify(body) })
    assert.equal(response.status, 200)
  })
})
