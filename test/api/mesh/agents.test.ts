import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Answer, meshed } from './test-mesh-api.ts'

async function peopled() {
  const mesh = await meshed({
    servers: [
      { name: 'tools', capabilities: [{ name: 'echo', description: 'Says it again' }] },
      { name: 'shadowed', capabilities: ['theirs'] },
      { name: 'sick', status: 'unhealthy', capabilities: ['echo'] },
    ],
  })
  await mesh.agent('weather', {
    namespace: 'production',
    labels: { env: 'production', team: 'data' },
    capabilities: [
      { name: 'get_weather', version: '1.2.3', category: 'data', stability: 'stable', tags: ['geo', 'free'] },
      { name: 'old_weather', version: '0.9.0', stability: 'deprecated' },
    ],
  })
  await mesh.agent('processor', {
    labels: { env: 'staging' },
    capabilities: [
      {
        name: 'process_data',
        version: '2.1.0-beta',
        category: 'data',
        stability: 'beta',
        tags: ['async'],
        description: 'Process it',
      },
      { name: 'audit', version: '1.0.0' },
    ],
  })
  await mesh.post('/mcp/tools/register_agent', { registration_data: { id: 'newcomer', capabilities: ['audit'] } })
  await mesh.agent('shadowed', { capabilities: ['mine'], labels: { env: 'staging' } })
  return mesh
}

describe('GET /agents', () => {
  it('accepts every parameter of the original registries', async () => {
    await using mesh = await peopled()
    for (const [query, found] of [
      ['', ['newcomer', 'processor', 'weather', 'shadowed']],
      ['?status=', ['newcomer', 'processor', 'weather', 'shadowed']],
      ['?status=healthy', ['processor', 'weather', 'shadowed']],
      ['?status=pending', ['newcomer']],
      ['?status=expired', []],
      ['?namespace=production', ['weather']],
      ['?capability=get_weather', ['weather']],
      ['?capability=get_wether', []],
      ['?capability=get_wether&fuzzy_match=True', ['weather']],
      ['?capability=WEATHER&fuzzy_match=true', ['weather']],
      ['?capability=*', ['newcomer', 'processor', 'weather', 'shadowed']],
      ['?capability=*&fuzzy_match=True', ['newcomer', 'processor', 'weather', 'shadowed']],
      ['?capabilities=process_data&capabilities=audit', ['processor']],
      ['?capability_category=data', ['processor', 'weather']],
      ['?category=data&stability=beta', ['processor']],
      ['?capability_stability=stable&capability_category=data', ['weather']],
      ['?capability_tags=async,geo', ['processor', 'weather']],
      ['?tags=free', ['weather']],
      ['?label_selector=env=production,team=data', ['weather']],
      ['?label_selector=env%20in%20(staging,production)', ['processor', 'weather', 'shadowed']],
      ['?label_selector=!env', ['newcomer']],
      ['?label_selector=env%21%3Dproduction', ['newcomer', 'processor', 'shadowed']],
      ['?label_selector=team', ['weather']],
      ['?version_constraint=>1.0.0', ['processor', 'weather']],
      ['?version_constraint=~1.2.0', ['weather']],
      ['?version_constraint=^1.0.0&capability=audit', ['newcomer', 'processor']],
      ['?version_constraint=>=2.0.0&capability=audit', []],
      ['?version_constraint=2.1.0', ['processor']],
      ['?capability=mine', ['shadowed']],
      ['?unknown=this&status=healthy&cache=1', ['processor', 'weather', 'shadowed']],
    ] as const) {
      assert.deepEqual(await mesh.ids(query), found, query)
    }
  })

  it('rejects an invalid value with 400 that names the parameter', async () => {
    await using mesh = await peopled()
    for (const [path, parameter, detail] of [
      ['/agents?label_selector=a%20=%20=b', 'label_selector', /^Invalid label selector/],
      ['/agents?version_constraint=not%20a%20version!', 'version_constraint', /version range/],
      ['/agents?stability=shaky', 'stability', /^stability: /],
      ['/agents?fuzzy_match=maybe', 'fuzzy_match', /true or false/],
      ['/capabilities?stability=shaky', 'stability', /^stability: /],
      ['/capabilities?include_deprecated=maybe', 'include_deprecated', /true or false/],
      ['/capabilities?agent_status=fine', 'agent_status', /^agent_status: /],
    ] as const) {
      const { status, body } = await mesh.get(path)
      assert.deepEqual([status, body['parameter']], [400, parameter], path)
      assert.match(body['detail'] as string, detail)
    }
  })

  it('shows a shadowed agent with the definition that shadows it', async () => {
    await using mesh = await peopled()

    const { body } = await mesh.get('/agents/shadowed')

    assert.deepEqual([body['status'], body['shadowed_by']], ['healthy', { source: 'file', origin: 'team.yaml' }])
    assert.equal((await mesh.get('/servers/shadowed')).body['source'], 'file')
    mesh.pass(61)
    assert.equal((await mesh.get('/agents/shadowed')).body['status'], 'unhealthy')
  })

  it('returns pages with a limit, and every agent without', async () => {
    await using mesh = await meshed()
    const ids = Array.from({ length: 620 }, (_, n) => `a${String(n).padStart(3, '0')}`)
    await Promise.all(ids.map((id) => mesh.agent(id, { description: 'x'.repeat(200) })))

    const { body } = await mesh.get('/agents')
    const page = (await mesh.get('/agents?limit=10')).body
    const next = (await mesh.get(`/agents?limit=10&continue=${encodeURIComponent(page['continue'] as string)}`)).body

    assert.deepEqual([body['count'], body['agents'].length, body['continue']], [620, 620, undefined])
    assert.deepEqual(
      body['agents'].map(({ id }: Answer) => id as string),
      ids,
    )
    assert.deepEqual(
      [...page['agents'], ...next['agents']].map(({ id }: Answer) => id as string),
      ids.slice(0, 20),
    )
  })

  it('selects healthy agents by default in the tool discover_services', async () => {
    await using mesh = await peopled()
    const found = async (query: object) => {
      const { body } = await mesh.post('/mcp/tools/discover_services', { query })
      assert.equal(body['status'], 'success')
      assert.equal(body['count'], body['agents'].length)
      return (body['agents'] as Answer[]).map(({ id }) => id as string)
    }

    assert.deepEqual(await found({ capabilities: ['audit'] }), ['processor'])
    assert.deepEqual(await found({ capabilities: ['audit'], status: '' }), ['newcomer', 'processor'])
    assert.deepEqual(await found({ labels: { env: 'production', team: 'data' }, namespace: 'production' }), ['weather'])
    assert.deepEqual(await found({ capability_tags: ['geo'], version_constraint: '^1' }), ['weather'])
  })
})

describe('the tool discover_services', () => {
  it('finds servers that are not agents where the arguments say so', async () => {
    await using mesh = await peopled()

    const query = { capabilities: ['echo'] }
    const { body } = await mesh.post('/mcp/tools/discover_services', { query, include_servers: true })

    assert.deepEqual([body['status'], body['count'], body['agents']], ['success', 1, []])
    assert.partialDeepStrictEqual(body['servers'], [{ name: 'tools', status: 'healthy' }])
    assert.match(String((await mesh.post('/mcp/tools/discover_services', query)).body['hint']), /1 server/)
  })

  it('rejects unknown arguments with the right shape', async () => {
    await using mesh = await meshed()

    const { status, body } = await mesh.post('/mcp/tools/discover_services', { query: {}, capability_name: 'echo' })

    assert.deepEqual([status, body['status'], body['parameter']], [400, 'error', 'capability_name'])
    assert.match(String(body['error']), /send \{"query": \{"capabilities": /)
  })
})

describe('DELETE /agents/{id}', () => {
  it('answers 204 for an unknown agent, and 404 where a version of it is expected', async () => {
    await using mesh = await meshed()
    await mesh.agent('a')

    assert.equal((await mesh.send('DELETE', '/agents/a')).status, 204)
    assert.equal((await mesh.send('DELETE', '/agents/a')).status, 204)
    const conditional = await mesh.send('DELETE', '/agents/a', undefined, { 'if-match': '"7"' })
    assert.deepEqual([conditional.status, conditional.body['code']], [404, 'agent_not_found'])
    const tool = await mesh.post('/mcp/tools/unregister_agent', { agent_id: 'a' })
    assert.deepEqual([tool.status, tool.body['status']], [404, 'error'])
  })
})

describe('GET /capabilities', () => {
  it('finds capabilities of servers where the registry accepts no agents', async () => {
    const servers = [
      { name: 'weather', url: 'http://weather.example/mcp', capabilities: ['forecast'], status: 'healthy' },
    ] as const
    await using mesh = await meshed({ servers, takesAgents: false })

    const { status, body } = await mesh.get('/capabilities?name=forecast&agent_status=')

    assert.equal(status, 200)
    assert.deepEqual(
      body['capabilities'].map(({ agent_id }: Answer) => agent_id),
      ['default/weather'],
    )
  })

  it('accepts every parameter of the original registries', async () => {
    await using mesh = await peopled()
    for (const [query, found] of [
      ['?name=weather', ['get_weather']],
      ['?name=WEATHER&include_deprecated=true', ['get_weather', 'old_weather']],
      ['?name=weather&stability=deprecated', []],
      ['?name=weather&exact=true', []],
      ['?name=Get_Weather&exact=True', ['get_weather']],
      ['?name=get_wether', []],
      ['?name=get_wether&fuzzy_match=true', ['get_weather']],
      ['?tags=geo,async', ['process_data', 'get_weather']],
      ['?category=data&stability=stable&agent_status=healthy&include_deprecated=false', ['get_weather']],
      ['?description_contains=PROCESS&category=data', ['process_data', 'get_weather']],
      ['?description_contains=nothing&name=process', []],
      ['?version_constraint=>=2.0.0', ['process_data']],
      ['?agent_namespace=production', ['get_weather']],
      ['?name=audit', ['audit']],
      ['?name=audit&agent_status=', ['audit', 'audit']],
      ['?name=audit&agent_status=pending', ['audit']],
      ['?agent_id=newcomer', ['audit']],
      ['?agent_id=processor&name=audit', ['audit']],
      ['?agent_id=weather&agent_namespace=default', []],
      ['?agent_id=default/tools', ['echo']],
      ['?name=mine', ['mine']],
      ['?agent_id=shadowed', ['mine']],
      ['?agent_id=default/shadowed', ['theirs']],
    ] as const) {
      const { body } = await mesh.get(`/capabilities${query}`)
      assert.deepEqual(
        (body['capabilities'] as Answer[]).map(({ name }) => name as string),
        found,
        query,
      )
      assert.equal(body['count'], found.length)
    }
    assert.equal((await mesh.get('/capabilities?agent_id=missing')).body['detail'], 'Agent missing not found')
  })

  it('includes capabilities of other servers, with their owner', async () => {
    await using mesh = await peopled()

    const [echo, ...others] = (await mesh.get('/capabilities?name=echo')).body['capabilities'] as Answer[]

    assert.equal(others.length, 0)
    assert.deepEqual(
      [
        echo?.['agent_id'],
        echo?.['agent_name'],
        echo?.['agent_namespace'],
        echo?.['agent_status'],
        echo?.['agent_endpoint'],
      ],
      ['default/tools', 'tools', 'default', 'healthy', 'http://weather.example/mcp'],
    )
  })

  it('shows the capabilities of a shadowed agent as its own', async () => {
    await using mesh = await peopled()
    const about = async (query: string) =>
      ((await mesh.get(`/capabilities${query}`)).body['capabilities'] as Answer[]).map(
        ({ name, agent_id, agent_status, agent_endpoint }) => [name, agent_id, agent_status, agent_endpoint],
      )

    assert.deepEqual(await about('?name=mine'), [['mine', 'shadowed', 'healthy', 'stdio://shadowed']])
    assert.deepEqual(await about('?name=theirs'), [
      ['theirs', 'default/shadowed', 'healthy', 'http://weather.example/mcp'],
    ])
    mesh.pass(60)
    assert.deepEqual(await about('?name=mine'), [])
    assert.deepEqual(await about('?name=mine&agent_status=unhealthy'), [
      ['mine', 'shadowed', 'unhealthy', 'stdio://shadowed'],
    ])
  })
})
