import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../src/log.ts'
import { ServerDefinition } from '../../src/model/server.ts'
import type { Sighting } from '../../src/model/source.ts'
import { createManualServers, ManualConflict, UnstorableDefinition } from '../../src/registrations/manual-servers.ts'
import { openMemory } from '../../src/stores/memory.ts'

const definition = (name: string, fields: object = {}) =>
  ServerDefinition.parse({ name, url: `http://${name}.example/mcp`, ...fields })

describe('manual servers', () => {
  it('a write is visible once it resolves, and the same write changes nothing', async () => {
    await using store = openMemory({ log: silent })
    const manual = createManualServers({ store })
    const pushed: Sighting[] = []
    manual.attach((sighting) => void pushed.push(sighting))

    const { server, created } = await manual.put(definition('a'), 'none')
    const again = await manual.put(definition('a'), 'any')

    assert.deepEqual([created, again], [true, { server, created: false }])
    assert.equal(manual.get(server.id), server)
    assert.equal(pushed.length, 1)
    assert.equal(await manual.remove(server.id), true)
    assert.equal(await manual.remove(server.id), false)
    assert.deepEqual(pushed.at(-1), { type: 'change', readings: [], gone: [server.id] })
  })

  it('a write or removal that does not find the expected version is a conflict', async () => {
    await using store = openMemory({ log: silent })
    const manual = createManualServers({ store })
    const { server: first } = await manual.put(definition('a'), 'none')
    const { server: current } = await manual.put(definition('a', { title: 'other' }), 'any')
    const version = first.stored.resource_version

    const isConflict = (message: RegExp) => (error: unknown) =>
      error instanceof ManualConflict && message.test(error.message) && error.current === current

    await assert.rejects(manual.put(definition('a'), 'none'), isConflict(/^Server default\/a already exists$/))
    await assert.rejects(manual.put(definition('a'), { version }), isConflict(/is stale; read the server again/))
    await assert.rejects(manual.remove(current.id, version), isConflict(/is stale; read the server again/))
    assert.equal(manual.get(current.id), current)
  })

  it('a definition that no store can hold is rejected with the reason', async () => {
    await using store = openMemory({ log: silent })
    const manual = createManualServers({ store })

    const metadata = { note: 'x'.repeat(1024 * 1024) }

    await assert.rejects(
      manual.put(definition('a', { metadata }), 'any'),
      (error: unknown) =>
        error instanceof UnstorableDefinition && error.message.startsWith('definition must be at most'),
    )
    assert.equal(manual.size(), 0)
  })

  it('servers newer than a snapshot of the store survive it, and older ones that it lacks are removed', async () => {
    await using store = openMemory({ log: silent })
    const manual = createManualServers({ store })
    const { server: old } = await manual.put(definition('old'), 'any')
    const { resource_version } = await store.load()
    const { server } = await manual.put(definition('new'), 'any')

    manual.load([], resource_version)

    assert.equal(manual.get(old.id), undefined)
    assert.equal(manual.get(server.id)?.id, server.id)
  })

  it('a run that ends late does not detach its successor', async () => {
    await using store = openMemory({ log: silent })
    const manual = createManualServers({ store })
    const pushed: Sighting[] = []
    const [old, successor] = [() => {}, (sighting: Sighting) => void pushed.push(sighting)]
    manual.attach(old)
    manual.attach(successor)

    manual.detach(old)
    await manual.put(definition('a'), 'any')

    assert.equal(manual.isPublished(), true)
    assert.equal(pushed.length, 1)
    manual.detach(successor)
    assert.equal(manual.isPublished(), false)
  })
})
