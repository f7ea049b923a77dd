import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AgentRequest } from '../../src/agents/agent.ts'
import { parseAgentRequest } from '../../src/agents/parsing/agent-request.ts'
import { createWakeSignal } from '../../src/flow/wake-signal.ts'
import { silent } from '../../src/log.ts'
import type { Sighting } from '../../src/model/source.ts'
import { startRegistrations } from '../../src/registrations/registrations.ts'
import { openMemory } from '../../src/stores/memory.ts'
import type { StoreChange, Store } from '../../src/stores/store.ts'

const settings = () => ({
  retentionMs: 3_600_000,
  selfPreservation: { enabled: true, minSubjects: 10, ratio: 0.5, maxMs: 900_000 },
  maxAgents: 100,
})

function request(id: string, fields: object = {}): AgentRequest {
  return parseAgentRequest({ id, ...fields }, { defaults: { timeout: 60, eviction: 120 }, countsAsHeartbeat: true })
}

/** Registrations of a store, and their source read step by step. */
function started(store: Store) {
  const registrations = startRegistrations({ opening: Promise.resolve(store), settings, log: silent })
  const stop = new AbortController()
  const told: Sighting[] = []
  const wake = createWakeSignal({ signal: stop.signal, onTake: () => {} })
  const run = { signal: stop.signal, wake, push: (sighting: Sighting) => void told.push(sighting) }
  const sightings = registrations.sources.agents(run)[Symbol.asyncIterator]()
  return {
    ...registrations,
    told,
    next: () => sightings.next(),
    stop: () => stop.abort(),
  }
}

const originsIn = (sighting: Sighting | undefined) =>
  sighting?.type === 'picture' || sighting?.type === 'change' ? sighting.readings.map(({ origin }) => origin) : []

describe('registrations', () => {
  it('that come while the picture is still looked at are told after it, not lost to it', async () => {
    await using store = openMemory({ log: silent })
    await using registrations = started(store)
    const { value: picture } = (await registrations.next()) as { value: Sighting }
    assert.deepEqual([picture.type, originsIn(picture)], ['picture', []])
    assert.throws(registrations.assertPublished, /still being loaded/)

    await registrations.agents.register(request('a'))
    assert.deepEqual(registrations.told, [])
    const next = registrations.next()
    await new Promise((resolve) => setImmediate(resolve))

    assert.ok(registrations.told.length > 0)
    assert.deepEqual([...new Set(registrations.told.flatMap(originsIn))], ['a'])
    registrations.assertPublished()
    registrations.stop()
    await next
    assert.throws(registrations.assertPublished)
  })

  it('that are stored together are told together, before any of them is answered', async () => {
    await using store = openMemory({ log: silent })
    await using registrations = started(store)
    await registrations.next()
    const next = registrations.next()
    await new Promise((resolve) => setImmediate(resolve))
    const ids = Array.from({ length: 10 }, (_, at) => `agent-${at}`)

    const told = ids.map(async (id) => {
      await registrations.agents.register(request(id))
      return registrations.told.flatMap(originsIn).includes(id)
    })

    assert.ok((await Promise.all(told)).every(Boolean))
    assert.deepEqual(registrations.told.map(originsIn), [ids])
    registrations.stop()
    await next
  })

  it('are what the store gives back: after a restart the same is no change', async () => {
    const sent = [
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
    const requests = () => sent.map((fields) => request(fields.id, fields))
    await using store = openMemory({ log: silent })
    const registering = async () => {
      await using registrations = started(store)
      await registrations.next()
      const registered = await Promise.all(requests().map((one) => registrations.agents.register(one)))
      registrations.stop()
      return registered.map(({ changed }) => changed)
    }

    assert.deepEqual(
      await registering(),
      sent.map(() => true),
    )
    assert.deepEqual(
      await registering(),
      sent.map(() => false),
    )
  })

  it('that are newer than a picture of the store survive it; older ones that it lacks are forgotten', async () => {
    await using store = openMemory({ log: silent })
    await using registrations = started(store)
    await registrations.next()
    const { agents } = registrations
    await agents.register(request('old'))
    const before = await store.load()
    await agents.register(request('new'))

    agents.load([], [], before.resource_version)

    assert.equal(agents.get('old'), undefined)
    assert.equal(agents.get('new')?.id, 'new')
    registrations.stop()
  })

  it('of two instances at the same moment: one holds the id', async () => {
    await using store = openMemory({ log: silent })
    await using registrations = started(store)
    await registrations.next()
    const { agents } = registrations

    const [one, two, same] = await Promise.allSettled([
      agents.register(request('a', { instance_id: 'one' })),
      agents.register(request('a', { instance_id: 'two' })),
      agents.register(request('a', { instance_id: 'one' })),
    ])

    assert.deepEqual([one.status, two.status, same.status], ['fulfilled', 'rejected', 'fulfilled'])
    assert.equal(agents.get('a')?.ownership.instance_id, 'one')
    registrations.stop()
  })

  it('that were made anew here outlive word that another replica deleted the old ones', async () => {
    await using store = openMemory({ log: silent })
    const news = Promise.withResolvers<StoreChange[]>()
    await using registrations = started({ ...store, changes: said(news.promise) })
    await registrations.next()
    const { agents, manual } = registrations
    const definition = request('a').definition
    const { server: old } = await manual.put(definition, 'any')
    await agents.register(request('a'))
    const { resource_version } = await store.load()
    await agents.unregister('a')
    await manual.remove(old.id)
    await agents.register(request('a'))
    await manual.put(definition, 'any')

    const key = { namespace: 'default', name: 'a', resource_version: String(BigInt(resource_version) + 1n) }
    news.resolve([
      { type: 'deleted', kind: 'agent', ...key },
      { type: 'deleted', kind: 'manual', ...key },
    ])
    await new Promise((resolve) => setImmediate(resolve))

    assert.equal(agents.get('a')?.id, 'a')
    assert.equal(manual.get(old.id)?.id, old.id)
    registrations.stop()
  })

  it('that were deleted do not come back with late word of how they were', async () => {
    await using store = openMemory({ log: silent })
    const news = Promise.withResolvers<StoreChange[]>()
    await using registrations = started({ ...store, changes: said(news.promise) })
    await registrations.next()
    const { agents, manual } = registrations
    const { server } = await manual.put(request('a').definition, 'any')
    await agents.register(request('a'))
    const picture = await store.load()
    await agents.unregister('a')
    await manual.remove(server.id)

    news.resolve([
      ...picture.registrations.map((registration) => ({ type: 'put', registration }) as const),
      { type: 'snapshot', snapshot: picture },
    ])
    await new Promise((resolve) => setImmediate(resolve))

    assert.equal(agents.get('a'), undefined)
    assert.equal(manual.get(server.id), undefined)
    registrations.stop()
  })

  it('written by hand after a picture of the store survive it; older ones that it lacks are forgotten', async () => {
    await using store = openMemory({ log: silent })
    await using registrations = started(store)
    await registrations.next()
    const { manual } = registrations
    const { server: old } = await manual.put(request('old').definition, 'any')
    const { resource_version } = await store.load()
    const { server } = await manual.put(request('new').definition, 'any')

    manual.load([], resource_version)

    assert.equal(manual.get(old.id), undefined)
    assert.equal(manual.get(server.id)?.id, server.id)
    registrations.stop()
  })
})

/** What a store says that others wrote: nothing until `news`, and nothing after it. */
function said(news: Promise<StoreChange[]>): Store['changes'] {
  return async function* ({ signal }) {
    const stopped = new Promise<[]>((resolve) => signal.addEventListener('abort', () => resolve([]), { once: true }))
    yield await Promise.race([news, stopped])
    await stopped
  }
}
