import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../src/log.ts'
import { NotLoadedYet, startRegistrations } from '../../src/registrations/registrations.ts'
import { openMemory } from '../../src/stores/memory.ts'
import type { Store, StoreChange } from '../../src/stores/store.ts'
import { agentRequest } from '../agents/fixtures.ts'

/** Registrations of a store whose changes come from `replicas`, once they are loaded. */
async function startLoaded(store: Store) {
  const replicas = Promise.withResolvers<StoreChange[]>()
  const registrations = startRegistrations({
    opening: Promise.resolve({ ...store, changes: changesOnce(replicas.promise) }),
    settings: () => ({
      retentionMs: 3_600_000,
      selfPreservation: { enabled: true, minSubjects: 10, ratio: 0.5, maxMs: 900_000 },
      maxAgents: 100,
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
})

/** The changes of a store: one batch, then none until the end. */
function changesOnce(batch: Promise<StoreChange[]>): Store['changes'] {
  return async function* ({ signal }) {
    const stopped = new Promise<[]>((resolve) => signal.addEventListener('abort', () => resolve([]), { once: true }))
    yield await Promise.race([batch, stopped])
    await stopped
  }
}
