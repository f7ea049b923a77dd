import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type AgentRequest, parseAgent } from '../../src/agents/registration.ts'
import { startRegistrations } from '../../src/agents/registrations.ts'
import { createWake } from '../../src/flow/wake.ts'
import { silent } from '../../src/log.ts'
import type { Sighting } from '../../src/model/source.ts'
import { openMemory } from '../../src/stores/memory.ts'
import type { Store } from '../../src/stores/store.ts'

const settings = () => ({
  retentionMs: 3_600_000,
  preservation: { enabled: true, least: 10, ratio: 0.5, mostMs: 900_000 },
  most: 100,
})

function request(id: string, fields: object = {}): AgentRequest {
  return parseAgent({ id, ...fields }, { defaults: { timeout: 60, eviction: 120 }, beats: true })
}

/** Registrations of a store, and their source read step by step. */
function started(store: Store) {
  const registrations = startRegistrations({ opening: Promise.resolve(store), settings, log: silent })
  const stop = new AbortController()
  const told: Sighting[] = []
  const wake = createWake({ signal: stop.signal, onTake: () => {} })
  const run = { signal: stop.signal, wake, tell: (sighting: Sighting) => void told.push(sighting) }
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
    assert.throws(registrations.mustBeShown, /still being read/)

    await registrations.agents.register(request('a'))
    assert.deepEqual(registrations.told, [])
    const next = registrations.next()
    await new Promise((resolve) => setImmediate(resolve))

    assert.ok(registrations.told.length > 0)
    assert.deepEqual([...new Set(registrations.told.flatMap(originsIn))], ['a'])
    registrations.mustBeShown()
    registrations.stop()
    await next
    assert.throws(registrations.mustBeShown)
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
    assert.equal(agents.get('a')?.held.instance_id, 'one')
    registrations.stop()
  })
})
