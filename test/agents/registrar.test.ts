import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AgentConflict, QuotaExceeded } from '../../src/agents/errors.ts'
import { silent } from '../../src/log.ts'
import { openMemory } from '../../src/stores/memory.ts'
import { type Store, StoreUnavailable } from '../../src/stores/store.ts'
import { until } from '../stores/builders.ts'
import { agentRequest, createTestRegistrar, originsIn } from './fixtures.ts'

describe('registrar', () => {
  it('registrar writes registrations stored together as one change, before it resolves any of them', async () => {
    await using store = openMemory({ log: silent })
    const { registrar, pushed } = createTestRegistrar(store)
    const ids = Array.from({ length: 10 }, (_, at) => `agent-${at}`)

    const isVisible = ids.map(async (id) => {
      await registrar.register(agentRequest(id))
      return pushed.flatMap(originsIn).includes(id)
    })

    assert.ok((await Promise.all(isVisible)).every(Boolean))
    assert.deepEqual(pushed.map(originsIn), [ids])
  })

  it('registrar changes nothing when an agent registers the same again after a restart', async () => {
    const registrations = [
      { id: 'bare' },
      {
        id: 'texts',
        name: 'Some Agent',
        description: null,
        version: 2,
        namespace: 'team-a',
        endpoint: 'https://a.example',
      },
      {
        id: 'lists',
        tags: ['a', 1],
        capabilities: ['plain', { name: 'rich', parameters: { type: 'object' }, tags: null }],
      },
      {
        id: 'maps',
        tags: { a: 1 },
        labels: { b: true, __proto__: null },
        annotations: { c: { d: null } },
        config: { e: [null] },
      },
      { id: 'times', timeout_threshold: '90s', health_interval: 5, health_check_url: 'https://a.example/health' },
      {
        id: 'rest',
        security_context: { level: 1 },
        transport: ['http'],
        dependencies: ['x'],
        instance_id: 'i',
        odd: 'field',
      },
    ]
    await using store = openMemory({ log: silent })
    const registerAll = async () => {
      const { registrar } = createTestRegistrar(store)
      const { registrations: stored, heartbeats, resource_version } = await store.load()
      registrar.load(stored, heartbeats, resource_version)
      const requests = registrations.map((fields) => agentRequest(fields.id, fields))
      const applied = await Promise.all(requests.map((request) => registrar.register(request)))
      return applied.map(({ changed }) => changed)
    }

    assert.deepEqual(
      await registerAll(),
      registrations.map(() => true),
    )
    assert.deepEqual(
      await registerAll(),
      registrations.map(() => false),
    )
  })

  it('registrar gives an id to one of two instances that register at the same moment', async () => {
    await using store = openMemory({ log: silent })
    const { registrar } = createTestRegistrar(store)

    const [one, two, same] = await Promise.allSettled([
      registrar.register(agentRequest('a', { instance_id: 'one' })),
      registrar.register(agentRequest('a', { instance_id: 'two' })),
      registrar.register(agentRequest('a', { instance_id: 'one' })),
    ])

    assert.deepEqual([one.status, two.status, same.status], ['fulfilled', 'rejected', 'fulfilled'])
    assert.equal(registrar.get('a')?.ownership.instance_id, 'one')
  })

  it('registrar counts registrations in flight towards the agent limit', async () => {
    await using store = openMemory({ log: silent })
    const { registrar } = createTestRegistrar(store, { maxAgents: 2 })

    const results = await Promise.allSettled(['a', 'b', 'c'].map((id) => registrar.register(agentRequest(id))))

    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected'],
    )
    await assert.rejects(registrar.register(agentRequest('d')), QuotaExceeded)
    assert.equal(registrar.size(), 2)
  })

  it('registrar rejects a registration or removal at a stale version and returns the current agent', async () => {
    await using store = openMemory({ log: silent })
    const { registrar } = createTestRegistrar(store)
    const { agent } = await registrar.register(agentRequest('a'))
    const { resource_version } = agent.stored
    await registrar.register(agentRequest('a', { version: '2.0.0' }))

    const isConflict = (error: unknown) =>
      error instanceof AgentConflict &&
      error.message.startsWith(`resource_version ${resource_version} of agent a is stale`) &&
      error.current?.definition.version === '2.0.0'
    const request = { ...agentRequest('a', { version: '3.0.0' }), expectedVersion: resource_version }

    await assert.rejects(registrar.register(request), isConflict)
    await assert.rejects(registrar.unregister('a', resource_version), isConflict)
    assert.equal(await registrar.unregister('a'), true)
    assert.equal(await registrar.unregister('a'), false)
  })

  it('registrar moves an agent to another endpoint, also where the agent changed meanwhile', async () => {
    await using store = openMemory({ log: silent })
    const { registrar } = createTestRegistrar(store)
    const { agent: before } = await registrar.register(agentRequest('a', { endpoint: 'http://a.example/one' }))
    await registrar.register(agentRequest('a', { endpoint: 'http://a.example/one', version: '2.0.0' }))

    const changed = await registrar.changeEndpoint(before, 'http://a.example/two')

    assert.equal(changed?.definition.url, 'http://a.example/two')
    assert.equal(changed.definition.version, '2.0.0')
    await registrar.unregister('a')
    assert.equal(await registrar.changeEndpoint(changed, 'http://a.example/three').catch(() => undefined), undefined)
  })

  it('registrar removes an agent from the store once its silence exceeds the retention', async () => {
    await using store = openMemory({ log: silent })
    const { registrar, pushed, advance } = createTestRegistrar(store)
    await registrar.register(agentRequest('a'))
    advance(60)
    assert.equal(registrar.get('a')?.lease.status, 'unhealthy')
    advance(3600)

    assert.equal(registrar.get('a')?.lease.status, 'offline')
    await until(() => registrar.get('a') === undefined)
    assert.deepEqual(pushed.at(-1), { type: 'change', readings: [], gone: ['a'] })
    assert.deepEqual((await store.load()).registrations, [])
  })

  it('registrar keeps a silent agent while the store is down, and asks again', async () => {
    await using memory = openMemory({ log: silent })
    let isDown = false
    const commit: Store['commit'] = (operations) =>
      isDown ? Promise.reject(new StoreUnavailable('down')) : memory.commit(operations)
    const { registrar, advance } = createTestRegistrar({ ...memory, commit })
    await registrar.register(agentRequest('a'))
    isDown = true
    advance(3660)
    assert.equal(registrar.get('a')?.lease.status, 'offline')
    await new Promise((resolve) => setImmediate(resolve))
    isDown = false
    assert.equal(registrar.get('a')?.lease.status, 'offline')
    advance(60)

    registrar.applyExpirations()
    await until(() => registrar.get('a') === undefined)
  })
})
