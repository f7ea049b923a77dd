import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { HeartbeatPayload } from '../../../src/agents/agent.ts'
import { runToCompletion } from '../../../src/flow/cooperative.ts'
import { admin, createTestMesh } from '../test-mesh.ts'

type TestMesh = ReturnType<typeof createTestMesh>

const clock = { function_name: 'now', capability: 'clock' }
const address = (id: string) => ({ http_host: `${id}.example`, http_port: 9000 })

/** Registers an agent with tools; its answer. */
async function post(
  mesh: TestMesh,
  id: string,
  tools: readonly object[],
  { status, ...fields }: Pick<HeartbeatPayload, 'status'> & Readonly<Record<string, unknown>> = {},
) {
  const registration = { id, ...address(id), tools, ...fields }
  const payload = status ? { status } : {}
  const { byFunction } = await mesh.register({ registration, payload }, { principal: admin, countsAsHeartbeat: true })
  return byFunction ?? assert.fail('no answer for tools')
}

/** Registers an agent whose function `f` has these dependencies; the agents that provide them. */
async function consume(mesh: TestMesh, id: string, ...dependencies: readonly unknown[]) {
  const { dependencies_resolved } = await post(mesh, id, [{ function_name: 'f', capability: '', dependencies }])
  return (dependencies_resolved['f'] ?? []).map(({ agent_id }) => agent_id)
}

const isAnnounced = (mesh: TestMesh, id: string) => mesh.haveProvidersChanged(mesh.keepAlive(id, admin))

describe('the answer to an agent with tools', () => {
  it('has a place for each dependency, in the order of declaration, and none for functions without dependencies', async () => {
    await using mesh = createTestMesh()
    await post(mesh, 'p', [{ ...clock, kwargs: { timeout: 30 } }])

    const answer = await post(mesh, 'c', [
      { function_name: 'plain', capability: 'plain' },
      { function_name: 'f', capability: 'x', dependencies: [{ capability: 'none' }, { capability: 'clock' }] },
      { function_name: '__mesh_route_deps', dependencies: [{ capability: 'clock' }] },
    ])

    const slot = {
      agent_id: 'p',
      capability: 'clock',
      function_name: 'now',
      endpoint: 'http://p.example:9000',
      kwargs: { timeout: 30 },
      status: 'available',
    }
    const empty = { agent_id: '', capability: 'none', function_name: '', endpoint: '', status: 'unavailable' }
    assert.deepEqual(answer, { dependencies_resolved: { f: [empty, slot], __mesh_route_deps: [slot] }, llm_tools: {} })
  })

  it('compares only the hashes for a dependency that came without a schema, whatever another function sent', async () => {
    await using mesh = createTestMesh()
    const schemaOf = (field: string) => ({ type: 'object', properties: { [field]: {} }, required: [field] })
    const output = { outputSchemaHash: 'sha256:other', outputSchemaCanonical: schemaOf('other') }
    await post(mesh, 'p', [{ ...clock, ...output }])
    const byHash = { capability: 'clock', matchMode: 'subset', expectedSchemaHash: 'sha256:mine' }
    const bySchema = { ...byHash, expectedSchemaCanonical: schemaOf('mine') }

    assert.deepEqual(await consume(mesh, 'c', byHash, bySchema), ['p', ''])
    assert.deepEqual(await consume(mesh, 'd', bySchema, byHash), ['', 'p'])
  })

  it('names a healthy agent, then a degraded one, then a server of another source', async () => {
    await using mesh = createTestMesh()
    mesh.define('files', { capabilities: ['now'], url: 'http://files.example/base/mcp' })
    const now = { function_name: 'now', capability: 'now' }

    assert.deepEqual(await consume(mesh, 'c', 'now'), ['default/files'])
    const [slot] = (await post(mesh, 'd', [{ function_name: 'f', dependencies: ['now'] }])).dependencies_resolved['f']!
    assert.equal(slot?.endpoint, 'http://files.example/base')
    await post(mesh, 'p', [now], { status: 'degraded' })
    assert.ok(isAnnounced(mesh, 'c'))
    assert.deepEqual(await consume(mesh, 'c', 'now'), ['p'])
    await post(mesh, 'q', [now])
    assert.deepEqual(await consume(mesh, 'c', 'now'), ['q'])
    await post(mesh, 'q', [now], { status: 'unhealthy' })
    assert.deepEqual(await consume(mesh, 'c', 'now'), ['p'])
    await post(mesh, 'p', [now], { status: 'unhealthy' })
    assert.deepEqual(await consume(mesh, 'c', 'now'), ['default/files'])
    mesh.define('files', { capabilities: ['now'], status: 'unhealthy' })
    assert.ok(isAnnounced(mesh, 'c'))
    assert.deepEqual(await consume(mesh, 'c', 'now'), [''])
  })

  it('names the function that carries out the capability of a server of another source', async () => {
    await using mesh = createTestMesh()
    mesh.define('berlin', { capabilities: [{ name: 'clock', function_name: 'now' }], url: 'http://berlin.example/mcp' })

    const { dependencies_resolved } = await post(mesh, 'c', [{ function_name: 'f', dependencies: ['clock'] }])

    assert.equal(dependencies_resolved['f']?.[0]?.function_name, 'now')
  })

  it('takes in agents of older generations, whose endpoint loses the path that consumers append', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('old', { capabilities: ['clock'], endpoint: 'http://old.example:8001/mcp' })

    const { dependencies_resolved } = await post(mesh, 'c', [{ function_name: 'f', dependencies: ['clock'] }])

    const [slot] = dependencies_resolved['f'] ?? []
    assert.deepEqual([slot?.agent_id, slot?.function_name, slot?.endpoint], ['old', 'clock', 'http://old.example:8001'])
  })

  it('a function is not its own provider, another one of its agent may be', async () => {
    await using mesh = createTestMesh()
    const relay = { function_name: 'relay', capability: 'clock', dependencies: [{ capability: 'clock' }] }

    const alone = await post(mesh, 'a', [relay])
    assert.equal(alone.dependencies_resolved['relay']?.[0]?.status, 'unavailable')
    const beside = await post(mesh, 'a', [relay, clock])
    assert.equal(beside.dependencies_resolved['relay']?.[0]?.function_name, 'now')
  })

  it('an agent that registers without tools again gets the answer of older generations', async () => {
    await using mesh = createTestMesh()
    await post(mesh, 'p', [clock])
    await consume(mesh, 'c', 'clock')

    const result = await mesh.registerAgent('c', { capabilities: ['x'], dependencies: ['clock'] })

    assert.deepEqual(result.dependencies, {
      clock: { agent_id: 'p', endpoint: 'http://p.example:9000', status: 'healthy' },
    })
    assert.equal(result.byFunction, undefined)
  })

  it('an agent that a server of another source shadows offers nothing, and is forgotten when it goes', async () => {
    await using mesh = createTestMesh()
    await post(mesh, 'p', [clock])
    await consume(mesh, 'c', 'clock')

    mesh.define('p', { capabilities: ['other'] })
    mesh.define('c')
    assert.ok(mesh.haveProvidersChanged(mesh.get('c').agent))
    assert.deepEqual(await consume(mesh, 'c', 'clock'), [''])
    await mesh.unregister('c', { principal: admin })
    mesh.define('c', { version: '2.0.0' })
    mesh.rewirings.splice(0)
    await consume(mesh, 'c', 'clock')
    assert.deepEqual(
      mesh.rewirings.map(({ reason }) => reason),
      ['first'],
    )
  })

  it('secrets of an endpoint are left out, kwargs stay as the provider sent them', async () => {
    await using mesh = createTestMesh()
    mesh.define('files', { capabilities: ['now'], url: 'http://files.example/mcp?token=hunter2hunter2' })
    await post(mesh, 'p', [{ ...clock, kwargs: { api_key: 'k-123456' } }])

    const answer = await post(mesh, 'c', [{ function_name: 'f', dependencies: ['now', 'clock'] }])
    const explained = JSON.stringify(await mesh.explain('c'))

    assert.ok(!JSON.stringify(answer).includes('hunter2'))
    assert.ok(JSON.stringify(answer).includes('k-123456'))
    assert.ok(
      !explained.includes('hunter2') && !JSON.stringify((await mesh.explain('c')).functions).includes('k-123456'),
    )
  })
})

describe('a heartbeat announces a change', () => {
  it('of any part of a provider that its consumer reads, until the consumer has the answer', async () => {
    await using mesh = createTestMesh()
    await consume(mesh, 'c', 'clock')
    const changes: readonly (() => Promise<unknown>)[] = [
      () => post(mesh, 'p', [clock]),
      () => post(mesh, 'p', [{ ...clock, kwargs: { timeout: 1 } }]),
      () => post(mesh, 'p', [clock], { http_port: 9001 }),
      () => post(mesh, 'p', [{ ...clock, function_name: 'time' }]),
      () => post(mesh, 'better', [{ ...clock, version: '2.0.0' }]),
      () => mesh.unregister('better', { principal: admin }),
      () => post(mesh, 'p', [{ function_name: 'other', capability: 'other' }]),
    ]
    for (const [at, change] of changes.entries()) {
      assert.equal(isAnnounced(mesh, 'c'), false, `before change ${at}`)
      await change()
      assert.ok(isAnnounced(mesh, 'c'), `change ${at}`)
      assert.ok(isAnnounced(mesh, 'c'), `change ${at} until the answer`)
      await consume(mesh, 'c', 'clock')
    }
  })

  it('of the health of a provider: silence, its own report, a sign of life', async () => {
    await using mesh = createTestMesh()
    await post(mesh, 'p', [clock], { timeout_threshold: 20 })
    await consume(mesh, 'c', 'clock')

    mesh.advance(21)
    assert.ok(isAnnounced(mesh, 'c'))
    assert.deepEqual(await consume(mesh, 'c', 'clock'), [''])
    await post(mesh, 'p', [clock], { timeout_threshold: 20 })
    assert.ok(isAnnounced(mesh, 'c'))
    assert.deepEqual(await consume(mesh, 'c', 'clock'), ['p'])
    await post(mesh, 'p', [clock], { status: 'unhealthy', timeout_threshold: 20 })
    assert.ok(isAnnounced(mesh, 'c'))
  })

  it('of the availability of a provider, however far away what it requires breaks', async () => {
    await using mesh = createTestMesh()
    const requiring = (capability: string, required: string) => ({
      function_name: capability,
      capability,
      dependencies: [{ capability: required, required: true }],
    })
    await post(mesh, 'p3', [{ function_name: 'c3', capability: 'c3' }])
    await post(mesh, 'p2', [requiring('c2', 'c3')])
    await post(mesh, 'p1', [requiring('c1', 'c2')])
    assert.deepEqual(await consume(mesh, 'c', 'c1'), ['p1'])

    await mesh.unregister('p3', { principal: admin })
    assert.ok(isAnnounced(mesh, 'c'))
    assert.deepEqual(await consume(mesh, 'c', 'c1'), [''])
    assert.equal(
      mesh.resolutions.unavailableReason('p1', 'c1'),
      "required dep 'c2' unavailable (provider p2 unavailable)",
    )
    assert.equal(mesh.resolutions.unavailableReason('p2', 'c2'), "required dep 'c3' unresolved")
    await post(mesh, 'p3', [{ function_name: 'c3', capability: 'c3' }])
    assert.ok(isAnnounced(mesh, 'c'))
    assert.deepEqual(await consume(mesh, 'c', 'c1'), ['p1'])
  })

  it('not of what leaves its own answer as it is', async () => {
    await using mesh = createTestMesh()
    await post(mesh, 'p', [clock])
    await consume(mesh, 'c', 'clock')

    await post(mesh, 'p', [{ ...clock, version: '1.5.0', tags: ['x'] }], { description: 'other', labels: { a: 'b' } })
    await post(mesh, 'q', [{ function_name: 'other', capability: 'other' }])
    await post(mesh, 'lower', [{ ...clock, version: '0.1.0' }])
    await mesh.unregister('lower', { principal: admin })
    mesh.define('files', { capabilities: ['clock'] })

    assert.equal(isAnnounced(mesh, 'c'), false)
  })

  it('to an agent that this daemon has not answered yet, where it has dependencies', async () => {
    await using mesh = createTestMesh()
    const { agent } = await mesh.registerAgent('a', { tools: [clock] })

    assert.equal(mesh.haveProvidersChanged(agent), false)
    const tools = [{ function_name: 'f', capability: '', version: '1.0.0', tags: [], dependencies: [] }]
    const needing = { ...tools[0]!, dependencies: [{ capability: 'x', tags: [], version: '', required: false }] }
    const of = (...some: (typeof needing)[]) => ({ ...agent, id: 'b', spec: { ...agent.spec, tools: some } })
    assert.equal(mesh.haveProvidersChanged(of({ ...needing, dependencies: [] })), false)
    assert.equal(mesh.haveProvidersChanged(of(needing)), true)
  })
})

describe('equal providers', () => {
  it('share their consumers, keep them, and take over those of one that leaves', async () => {
    await using mesh = createTestMesh({ maxAgents: 200 })
    for (const id of ['p1', 'p2', 'p3', 'p4']) await post(mesh, id, [clock])
    const ids = Array.from({ length: 40 }, (_, at) => `c${at}`)
    const providers = new Map<string, string>()
    const beatAll = async () => {
      let moved = 0
      for (const id of ids) {
        const before = providers.get(id)
        const isChanged = isAnnounced(mesh, id)
        if (before !== undefined && !isChanged) continue
        const [provider = ''] = await consume(mesh, id, 'clock')
        assert.equal(isChanged, provider !== before)
        if (before !== undefined) moved += 1
        providers.set(id, provider)
      }
      return moved
    }
    const loads = () => Object.values(Object.groupBy([...providers.values()], (id) => id)).map((some) => some?.length)
    for (const id of ids) providers.set(id, (await consume(mesh, id, 'clock'))[0] ?? '')
    await beatAll()
    assert.ok(Math.max(...loads().map(Number)) <= 12, loads().join(' '))
    assert.equal(await beatAll(), 0)

    const own = [...providers.values()].filter((id) => id === 'p2').length
    await mesh.unregister('p2', { principal: admin })
    const moved = await beatAll()
    assert.ok(moved >= own && moved <= 2 * own, `${own} of its own, ${moved} moved`)
    assert.ok(Math.max(...loads().map(Number)) <= 16, loads().join(' '))

    await post(mesh, 'p5', [clock])
    await beatAll()
    assert.ok(Math.max(...loads().map(Number)) <= 12, loads().join(' '))
  })

  it('a consumer that is gone or silent leaves its share to the others', async () => {
    await using mesh = createTestMesh()
    await post(mesh, 'p1', [clock], { timeout_threshold: 3600 })
    await post(mesh, 'p2', [clock], { timeout_threshold: 3600 })
    const spread = async () => (await mesh.explain('a')).functions[0]?.dependencies[0]?.spread
    for (const id of ['a', 'b', 'c', 'd']) await consume(mesh, id, 'clock')
    assert.equal((await spread())?.consumers, 4)

    await mesh.unregister('b', { principal: admin })
    assert.equal((await spread())?.consumers, 3)
    mesh.advance(61)
    await consume(mesh, 'a', 'clock')
    assert.equal((await spread())?.consumers, 1)
    await consume(mesh, 'c', 'clock')
    assert.equal((await spread())?.consumers, 2)
  })

  it('two functions of a consumer with equal dependencies have one provider', async () => {
    await using mesh = createTestMesh()
    for (const id of ['p1', 'p2', 'p3']) await post(mesh, id, [clock])

    const { dependencies_resolved } = await post(
      mesh,
      'c',
      ['f', 'g', 'h'].map((function_name) => ({ function_name, dependencies: ['clock', 'clock'] })),
    )

    const slots = Object.values(dependencies_resolved).flat()
    assert.equal(slots.length, 6)
    assert.equal(new Set(slots.map(({ agent_id }) => agent_id)).size, 1)
  })
})

describe('a rewired dependency', () => {
  it('is reported with its reason, and with the stages of the choice', async () => {
    await using mesh = createTestMesh()
    const reasons = () => mesh.rewirings.splice(0).map(({ reason, before, after }) => [reason, before, after])
    await consume(mesh, 'c', 'clock')
    assert.deepEqual(reasons(), [['first', undefined, undefined]])
    await post(mesh, 'p', [clock])
    await consume(mesh, 'c', 'clock')
    await consume(mesh, 'c', 'clock')
    assert.deepEqual(reasons(), [['found', undefined, 'p']])
    await post(mesh, 'p', [clock], { http_port: 9001 })
    await consume(mesh, 'c', 'clock')
    assert.deepEqual(reasons(), [['provider_changed', 'p', 'p']])
    await post(mesh, 'q', [{ ...clock, version: '2.0.0' }])
    await consume(mesh, 'c', 'clock')
    assert.deepEqual(reasons(), [['better_provider', 'p', 'q']])
    await mesh.unregister('q', { principal: admin })
    await consume(mesh, 'c', 'clock')
    assert.deepEqual(reasons(), [['provider_gone', 'q', 'p']])
    await mesh.unregister('p', { principal: admin })
    await consume(mesh, 'c', 'clock')
    assert.deepEqual(reasons(), [['lost', 'p', undefined]])
  })

  it('has a trace in the form of the original, with the spread', async () => {
    await using mesh = createTestMesh()
    const dependency = { capability: 'clock', tags: ['fast', ['eu', 'us']], version: '>=1.1' }
    await post(mesh, 'a', [{ ...clock, version: '1.2.0', tags: ['fast', 'eu'] }])
    await post(mesh, 'b', [{ ...clock, version: '1.2.0', tags: ['fast', 'us'] }])
    await post(mesh, 'old', [{ ...clock, version: '1.0.0', tags: ['fast', 'eu'] }])
    await post(mesh, 'slow', [{ ...clock, tags: ['eu'] }])
    await post(mesh, 'sick', [clock], { status: 'unhealthy' })

    const [chosen = ''] = await consume(mesh, 'c', dependency)

    const { stages, ...trace } = mesh.rewirings.at(-1)?.trace ?? assert.fail()
    assert.deepEqual(trace, {
      consumer: 'c',
      dep_index: 0,
      spec: {
        capability: 'clock',
        tags: ['fast'],
        tag_alternatives: [['eu', 'us']],
        version_constraint: '>=1.1',
        schema_mode: 'none',
      },
      chosen: { agent_id: chosen, endpoint: `http://${chosen}.example:9000`, function_name: 'now' },
    })
    assert.deepEqual(
      stages.map(({ stage, kept, evicted = [] }) => [
        stage,
        kept.length,
        evicted.map(({ id, reason }) => `${id} ${reason}`),
      ]),
      [
        ['health', 4, ['sick:now Unhealthy']],
        ['capability_match', 4, []],
        ['tags', 3, ['slow:now MissingTag']],
        ['version', 2, ['old:now VersionConstraintFailed']],
        ['schema', 2, []],
        ['tiebreaker', 2, []],
      ],
    )
    assert.equal(stages.at(-1)?.chosen, `${chosen}:now`)
    assert.deepEqual(stages.at(-1)?.spread, { providers: 2, consumers: 1, load: 1, bound: 1, kept: false })
  })
})

describe('the explanation of a dependency', () => {
  it('says why its provider was chosen, and where every other candidate fell out', async () => {
    await using mesh = createTestMesh()
    await post(mesh, 'low', [{ ...clock, version: '1.0.0' }])
    await post(mesh, 'high', [{ ...clock, version: '2.0.0', tags: ['eu'] }])
    const explained = async (dependency: unknown) => {
      await consume(mesh, 'c', dependency)
      const [one] = (await mesh.explain('c')).functions[0]?.dependencies ?? []
      return [one?.decided_by, one?.reason]
    }

    assert.deepEqual(await explained({ capability: 'clock' }), [
      'version',
      'the highest version: 2.0.0, the next has 1.0.0',
    ])
    assert.deepEqual(await explained({ capability: 'clock', tags: ['+eu'] }), [
      'score',
      'the highest tag score: 10, the next has 0',
    ])
    assert.deepEqual(await explained({ capability: 'clock', tags: ['eu'] }), [
      'only_candidate',
      'the only candidate that passes every stage',
    ])
    assert.deepEqual(await explained({ capability: 'clock', version: '>=3' }), [
      'none',
      'none of 2 candidates passes: 2 of another version',
    ])
    assert.deepEqual(await explained({ capability: 'nothing' }), ['none', 'no agent offers this capability'])
    mesh.define('files', { capabilities: ['nothing'] })
    assert.deepEqual(await explained({ capability: 'nothing' }), [
      'only_candidate',
      'the only candidate that passes every stage; no agent passes, so a server of another source serves',
    ])
  })

  it('lists at most 100 candidates and the chosen one', async () => {
    await using mesh = createTestMesh({ maxAgents: 200 })
    for (let at = 0; at < 150; at += 1) await post(mesh, `p${at}`, [clock])
    await consume(mesh, 'c', 'clock')

    const [one] = (await mesh.explain('c')).functions[0]?.dependencies ?? []

    assert.ok(one?.candidates.length === 100 || one?.candidates.length === 101)
    assert.equal((one?.candidates_omitted ?? 0) + (one?.candidates.length ?? 0), 150)
    assert.equal(one?.candidates.filter(({ result }) => result === 'chosen').length, 1)
  })

  it('of many dependencies is made in slices of the event loop, lists 5,000 candidates and counts the rest', async () => {
    await using mesh = createTestMesh({ maxAgents: 2000 })
    for (let at = 0; at < 1500; at += 1) await post(mesh, `p${at}`, [{ ...clock, version: `1.${at % 7}.0` }])
    const many = Array.from({ length: 64 }, () => ({ capability: 'clock', tags: ['+a'], version: '>=1' }))
    const functions = Array.from({ length: 10 }, (_, at) => ({ function_name: `f${at}`, dependencies: many }))
    await post(mesh, 'c', functions)
    let turns = 0
    const count = () => {
      turns += 1
      next = setImmediate(count)
    }
    let next = setImmediate(count)

    const { functions: explained, dependencies_omitted } = await mesh.explain('c')

    clearImmediate(next)
    assert.ok(turns >= 2, `${turns} turns`)
    const all = explained.flatMap(({ dependencies }) => dependencies)
    assert.deepEqual([explained.length, all.length, dependencies_omitted], [10, 500, 140])
    for (const { candidates, candidates_omitted = 0, decided_by } of all) {
      assert.ok(candidates.length === 10 || candidates.length === 11)
      assert.equal(candidates.length + candidates_omitted, 1500)
      assert.equal(decided_by, 'spread')
    }
    const graph = runToCompletion(mesh.dependenciesOf(mesh.get('c').agent))
    assert.deepEqual([graph.functions.length, graph.dependencies_omitted], [10, 140])
  })

  it('of an agent of an older generation names the capabilities that it depends on as a whole', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('p', { capabilities: ['clock'] })
    await mesh.registerAgent('c', { dependencies: ['clock', 'none'] })

    const [{ function_name, dependencies } = assert.fail()] = (await mesh.explain('c')).functions

    assert.equal(function_name, '')
    assert.deepEqual(
      dependencies.map(({ capability, status, decided_by }) => [capability, status, decided_by]),
      [
        ['clock', 'available', 'kept'],
        ['none', 'unavailable', 'none'],
      ],
    )
    assert.equal(mesh.resolutions.resolutionsOf('c').dependencies_resolved, 1)
  })
})

describe('language models', () => {
  const searchTool = (function_name: string, more: object = {}) => ({
    function_name,
    capability: 'search',
    inputSchema: { type: 'object' },
    ...more,
  })

  it('receive the tools of their filter, in a stable order, and an empty list where none matches', async () => {
    await using mesh = createTestMesh()
    await post(mesh, 'b', [searchTool('web', { tags: ['fast'] }), searchTool('files', { version: '2.0.0' })])
    await post(mesh, 'a', [searchTool('web'), { function_name: 'no_schema', capability: 'search' }])
    await post(mesh, 'ill', [searchTool('mail')], { status: 'unhealthy' })
    const ask = async (filter: unknown, filter_mode?: string) => {
      const tool = { function_name: 'chat', inputSchema: {}, capability: 'chat', llm_filter: { filter, filter_mode } }
      const { llm_tools } = await post(mesh, 'llm', [tool])
      return llm_tools['chat']?.map(({ agent_id, name }) => `${String(agent_id)} ${String(name)}`)
    }

    assert.deepEqual(await ask('search'), ['a web', 'b files'])
    assert.deepEqual(await ask([{ capability: 'search', tags: ['+fast'] }]), ['b web', 'b files'])
    assert.deepEqual(await ask([{ tags: ['fast'] }]), ['b web'])
    assert.deepEqual(await ask([{ capability: 'search', version: '>=2' }]), ['b files'])
    assert.deepEqual(await ask(['search'], 'best_match'), ['b files'])
    assert.deepEqual(await ask([], '*'), ['a web', 'b files'])
    assert.deepEqual(await ask(['nothing']), [])
    assert.deepEqual(await ask([]), [])
  })

  it('learn of a tool that comes, goes or changes', async () => {
    await using mesh = createTestMesh()
    for (const filter of [['search'], [{ tags: [] }]]) {
      await post(mesh, 'llm', [{ function_name: 'chat', llm_filter: { filter } }])
      for (const version of ['1.0.0', '2.0.0']) {
        await post(mesh, 'p', [searchTool('web', { version })])
        assert.ok(isAnnounced(mesh, 'llm'), version)
        const { llm_tools } = await post(mesh, 'llm', [{ function_name: 'chat', llm_filter: { filter } }])
        assert.deepEqual(
          llm_tools['chat']?.map((tool) => tool['version']),
          [version],
        )
        assert.equal(isAnnounced(mesh, 'llm'), false)
      }
      await mesh.unregister('p', { principal: admin })
      assert.ok(isAnnounced(mesh, 'llm'))
    }
  })

  it('are provided by the best function with an input schema, spread as dependencies are', async () => {
    await using mesh = createTestMesh()
    const model = (more: object = {}) => ({ function_name: 'claude', capability: 'llm', inputSchema: {}, ...more })
    const asking = { function_name: 'chat', llm_provider: { capability: 'llm', tags: ['+claude'], version: '' } }
    assert.equal((await post(mesh, 'c', [asking])).llm_providers, undefined)
    await post(mesh, 'bare', [{ function_name: 'x', capability: 'llm', version: '9.0.0' }])
    await post(mesh, 'm1', [model({ tags: ['claude'], kwargs: { vendor: 'anthropic' } })])

    assert.ok(isAnnounced(mesh, 'c'))
    assert.deepEqual((await post(mesh, 'c', [asking])).llm_providers, {
      chat: {
        agent_id: 'm1',
        name: 'claude',
        endpoint: 'http://m1.example:9000',
        capability: 'llm',
        status: 'available',
        vendor: 'anthropic',
        tags: ['claude'],
        version: '1.0.0',
        kwargs: { vendor: 'anthropic' },
      },
    })
    await post(mesh, 'm2', [model({ tags: ['claude'] })])
    const chosen = new Set<unknown>()
    for (const id of ['c', 'd', 'e', 'f'])
      chosen.add((await post(mesh, id, [asking])).llm_providers?.['chat']?.['agent_id'])
    assert.deepEqual(chosen, new Set(['m1', 'm2']))
  })

  it('are listed with what they resolved to', async () => {
    await using mesh = createTestMesh()
    await post(mesh, 'p', [searchTool('web', { tags: ['fast'] })])
    const filter = ['search', { capability: 'none', tags: ['x'] }]
    await post(mesh, 'llm', [
      { function_name: 'chat', llm_filter: { filter }, llm_provider: { capability: 'llm', tags: ['a'] } },
    ])

    const { llm_tool_resolutions, llm_provider_resolutions } = mesh.resolutions.resolutionsOf('llm')

    assert.deepEqual(llm_tool_resolutions, [
      {
        function_name: 'chat',
        filter_mode: 'all',
        filter_capability: 'search',
        status: 'available',
        provider_agent_id: 'p',
        mcp_tool: 'web',
        endpoint: 'http://p.example:9000',
        provider_capability: 'search',
      },
      {
        function_name: 'chat',
        filter_mode: 'all',
        filter_capability: 'none',
        filter_tags: ['x'],
        status: 'unresolved',
      },
    ])
    assert.deepEqual(llm_provider_resolutions, [
      { function_name: 'chat', required_capability: 'llm', required_tags: ['a'], status: 'unresolved' },
    ])
  })

  it('get at most 1,000 tools in one answer, which says what it leaves out; logged once', async () => {
    await using mesh = createTestMesh()
    await post(
      mesh,
      'p',
      Array.from({ length: 700 }, (_, at) => searchTool(`t${at}`)),
    )
    const asking = (function_name: string) => ({ function_name, llm_filter: { filter: ['search'] } })
    const functions = [asking('f'), asking('g'), asking('h')]

    const answers = [await post(mesh, 'llm', functions), await post(mesh, 'llm', functions)]

    for (const { llm_tools, warnings } of answers) {
      assert.deepEqual(
        Object.values(llm_tools).map(({ length }) => length),
        [700, 300, 0],
      )
      assert.deepEqual(warnings, [
        'llm_tools["g"] lacks 400 of its tools, and the functions after it (1) all of theirs: one answer holds at most 1000 tools and 2097152 bytes of them as JSON; narrow the filters',
      ])
    }
    const lines = () => mesh.logged.filter(({ message }) => message === 'tools for language models left out')
    assert.equal(lines().length, 1)
    assert.equal(isAnnounced(mesh, 'llm'), false)
    assert.equal((await post(mesh, 'llm', [asking('f')])).warnings, undefined)
    await post(mesh, 'llm', functions)
    assert.equal(lines().length, 2)
    assert.equal(mesh.resolutions.resolutionsOf('llm').llm_tool_resolutions.length, 200)
  })

  it('get tools of at most 2 MiB in one answer; a tool is encoded once', async () => {
    await using mesh = createTestMesh()
    const inputSchema = { type: 'object', description: 'x'.repeat(60_000) }
    const names = Array.from({ length: 40 }, (_, at) => `t${at}`)
    for (const at of [0, 10, 20, 30]) {
      const tools = names.slice(at, at + 10).map((name) => searchTool(name, { inputSchema }))
      await post(mesh, `p${at}`, tools)
    }
    const filtered = ['f', 'g'].map((function_name) => ({ function_name, llm_filter: { filter: ['search'] } }))
    const best = { function_name: 'one', llm_filter: { filter: ['search'], filter_mode: 'best_match' } }

    const { llm_tools, warnings } = await post(mesh, 'llm', [best, ...filtered])

    const bytes = Buffer.byteLength(JSON.stringify(llm_tools))
    assert.ok(bytes <= 2 * 1024 * 1024 + 100 && bytes > 2 * 1024 * 1024 - 61_000, `${bytes}`)
    assert.deepEqual(
      llm_tools['f']?.map(({ name }) => name),
      names.slice(0, 33),
    )
    assert.equal(llm_tools['f']?.[0], llm_tools['one']?.[0])
    assert.equal(warnings?.length, 1)
  })
})
