import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { toPutOperation } from '../../src/agents/stored-agent.ts'
import { silent } from '../../src/log.ts'
import { NotLoadedYet, startRegistrations } from '../../src/registrations/registrations.ts'
import { openMemory } from '../../src/stores/memory.ts'
import type { Store, StoreChange } from '../../src/stores/store.ts'
import { agentRequest } from '../agents/fixtures.ts'
import { until } from '../stores/builders.ts'

/** Registrations of a store whose changes come from `replicas`, once they are loaded. */
async function startLoaded(store: Store) {
  const replicas = Promise.withResolvers<StoreChange[]>()
  const registrations = startRegistrations({
    opening: Promise.resolve({ ...store, changes: changesOnce(replicas.promise) }),
    settings: () => ({
      retentionMs: 3_600_000,
      selfPreservation: { enabled: true, minSubjects: 10, ratio: 0.5, maxMs: 900_000 },
      maxAgents: 100,
      maxBytes: Infinity,
      maxAgentBytes: Infinity,
    }),
    log: silent,
  })
  await macrotask()
  registrations.assertLoaded()
  return { ...registrations, deliver: replicas.resolve }
}

const macrotask = () => new Promise((resolve) => setImmediate(resolve))

describe('registrations', () => {
  it('registrations are unavailable until the store is loaded', async () => {
    await using store = openMemory({ log: silent })
    const opening = Promise.withResolvers<Store>()
    await using registrations = startRegistrations({
      opening: opening.promise,
      settings: () => ({
        retentionMs: 3_600_000,
        selfPreservation: { enabled: true, minSubjects: 10, ratio: 0.5, maxMs: 900_000 },
        maxAgents: 100,
        maxBytes: Infinity,
        maxAgentBytes: Infinity,
      }),
      log: silent,
    })
    assert.throws(registrations.assertLoaded, NotLoadedYet)
    assert.equal(registrations.epoch(), undefined)

    opening.resolve(store)
    await macrotask()

    registrations.assertLoaded()
    assert.equal(registrations.epoch(), (await store.load()).epoch)
    assert.throws(registrations.assertPublished, NotLoadedYet)
  })

  it('a stale delete of another replica leaves registrations that were repeated after it', async () => {
    await using store = openMemory({ log: silent })
    await using registrations = await startLoaded(store)
    const { agents, manual } = registrations
    const { definition } = agentRequest('a')
    const { server } = await manual.put(definition, 'any')
    await agents.register(agentRequest('a'))
    const { resource_version } = await store.load()
    await agents.unregister('a')
    await manual.remove(server.id)
    await agents.register(agentRequest('a'))
    await manual.put(definition, 'any')

    const key = { namespace: 'default', name: 'a', resource_version: String(BigInt(resource_version) + 1n) }
    registrations.deliver([
      { type: 'deleted', kind: 'agent', ...key },
      { type: 'deleted', kind: 'manual', ...key },
    ])
    await macrotask()

    assert.equal(agents.get('a')?.id, 'a')
    assert.equal(manual.get(server.id)?.id, server.id)
  })

  it('a stale put of another replica does not restore deleted registrations', async () => {
    await using store = openMemory({ log: silent })
    await using registrations = await startLoaded(store)
    const { agents, manual } = registrations
    const { server } = await manual.put(agentRequest('a').definition, 'any')
    await agents.register(agentRequest('a'))
    const snapshot = await store.load()
    await agents.unregister('a')
    await manual.remove(server.id)

    registrations.deliver([
      ...snapshot.registrations.map((registration) => ({ type: 'put', registration }) as const),
      { type: 'snapshot', snapshot },
    ])
    await macrotask()

    assert.equal(agents.get('a'), undefined)
    assert.equal(manual.get(server.id), undefined)
  })

  it('a database that went back gets what it lost again, and what it lacks otherwise is dropped', async () => {
    await using old = openMemory({ log: silent })
    let store: Store = old
    const commit: Store['commit'] = (operations) => store.commit(operations)
    await using registrations = await startLoaded({ ...old, commit })
    const { agents, manual } = registrations
    for (const id of ['changed', 'dropped']) await agents.register(agentRequest(id))
    await manual.put(agentRequest('by-hand-dropped').definition, 'any')
    const { resource_version: to } = await old.load()
    for (const id of ['changed', 'lost', 'deleted']) await agents.register(agentRequest(id, { version: '1.0.0' }))
    await manual.put(agentRequest('by-hand').definition, 'any')
    agents.heartbeat('lost')
    await using copy = openMemory({ log: silent })
    store = copy
    const [kept] = await copy.commit([
      { ...toPutOperation(agentRequest('changed', { version: '2.0.0' }), undefined), expect: 'none' },
    ])
    assert.equal(kept?.type, 'put')

    const snapshot = await copy.load()
    const deleted = [{ kind: 'agent', namespace: 'default', name: 'deleted' }] as const
    registrations.deliver([{ type: 'snapshot', snapshot, rewound: { to, reason: 'older copy', deleted } }])
    await until(() => registrations.warnings().length > 0)

    const { registrations: stored } = await copy.load()
    assert.deepEqual(stored.map(({ kind, name }) => `${kind} ${name}`).toSorted(), [
      'agent changed',
      'agent lost',
      'manual by-hand',
    ])
    const held = agents
      .list()
      .map(({ id, definition, stored: { resource_version } }) => [id, definition.version, resource_version])
    const versionOf = (name: string) => stored.find((one) => one.name === name)?.resource_version
    assert.deepEqual(held, [
      ['changed', '2.0.0', versionOf('changed')],
      ['lost', '1.0.0', versionOf('lost')],
    ])
    assert.equal(agents.get('lost')?.lease.status, 'healthy')
    assert.equal(manual.size(), 1)
    assert.equal(manual.get('default/by-hand')?.stored.resource_version, versionOf('by-hand'))
    assert.match(registrations.warnings()[0] ?? '', /older copy\): 2 registrations were stored again, 3 dropped/)
  })
})

/** The changes of a store: one batch, then none until the end. */
function changesOnce(batch: Promise<StoreChange[]>): Store['changes'] {
  return async function* ({ signal }) {
    const stopped = new Promise<[]>((resolve) => signal.addEventListener('abort', () => resolve([]), { once: true }))
    yield await Promise.race([batch, stopped])
    await stopped
  }
}
