import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { namesIn } from '../poll-source.ts'
import { openDirectory, openHttpSource, paths } from './test-directory.ts'
import { createFilledRegistry, registryName } from './test-registry.ts'

describe('a registry with updated_since', () => {
  it('is read incrementally by updates and deletions', async () => {
    let clock = Date.parse('2026-11-01T00:00:00Z')
    const registry = createFilledRegistry(250, { now: () => new Date(clock) })
    clock += 3_600_000
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    await source.next()

    clock += 3_600_000
    registry.publish(registryName(0), { version: '2.0.0' })
    registry.publish(registryName(1), { status: 'deleted' })
    registry.publish('org.example/new')
    const before = registry.queries.length
    const [reading] = await source.refresh()

    const names = namesIn(reading)
    assert.equal(names.length, 250)
    assert.ok(names.includes('org.example/new') && !names.includes(registryName(1)))
    assert.match(JSON.stringify(reading), /"version":"2.0.0"/)
    assert.equal(registry.queries.length, before + 1)
    assert.equal(registry.queries.at(-1)?.get('updated_since'), '2026-11-01T00:55:00Z')
  })

  it('is read completely at times, which finds erased servers', async () => {
    let clock = Date.parse('2026-11-01T00:00:00Z')
    const registry = createFilledRegistry(120, { now: () => new Date(clock) })
    clock += 3_600_000
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    await source.next()
    clock += 3_600_000
    registry.erase(registryName(7))

    let looks = 1
    while (namesIn((await source.refresh())[0]).length === 120) looks += 1

    assert.equal(looks, 20)
  })

  it('is read completely every time if it ignores updated_since', async () => {
    const registry = createFilledRegistry(250, { knows: ['cursor', 'limit'] })
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    await source.next()
    registry.erase(registryName(7))

    assert.equal(namesIn((await source.refresh())[0]).length, 249)
  })
})
