import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { describe, it } from 'node:test'
import { errorIn, namesIn } from '../poll-source.ts'
import { json, openHttpSource, openDirectory, paths } from './test-directory.ts'
import { createTestRegistryServer } from './test-registry.ts'

const name = (index: number) => `org.example/server-${String(index).padStart(5, '0')}`

function registryOf(count: number, options?: Parameters<typeof createTestRegistryServer>[0]) {
  const registry = createTestRegistryServer(options)
  for (let index = 0; index < count; index++) registry.publish(name(index))
  return registry
}

describe('a registry of many pages', () => {
  it('is read to its last page, with the largest page size', async () => {
    const registry = registryOf(250)
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers?search=server` })

    const [reading] = await source.next()

    assert.equal(namesIn(reading).length, 250)
    assert.deepEqual(
      registry.queries.map((query) => [query.get('limit'), query.get('version'), query.get('search')]),
      Array.from({ length: 3 }, () => ['100', 'latest', 'server']),
    )
  })

  it('is found below the address of its base', async () => {
    using place = await openDirectory(paths({ '/registry/team/v0.1/servers': registryOf(3).answer }))
    await using source = openHttpSource({ url: `${place.url}/registry/team` })

    assert.equal(namesIn((await source.next())[0]).length, 3)
    await source.refresh()
    assert.equal(new URL(place.requests.at(-1)?.url ?? '', place.url).pathname, '/registry/team/v0.1/servers')
  })

  it('is an error if one of its pages cannot be read', async () => {
    const registry = registryOf(250)
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    registry.failOn((query) => query.get('cursor') === name(99))

    const error = errorIn((await source.next())[0])
    assert.match(error.message, /page 2: server answered 503/)
    assert.equal(error.class, 'partial')

    registry.failOn(() => false)
    assert.equal(namesIn((await source.refresh())[0]).length, 250)
  })

  it('keeps its servers when a later page fails', async () => {
    const registry = registryOf(250, { knows: ['cursor', 'limit'] })
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    await source.next()

    registry.failOn((query) => query.get('cursor') === name(199))
    assert.match(errorIn((await source.refresh())[0]).message, /page 3/)
    registry.failOn(() => false)
    assert.equal(namesIn((await source.refresh())[0]).length, 250)
  })

  it('with circular cursors is rejected', async () => {
    using place = await openDirectory(
      json({
        servers: [{ server: { name: 'a/b', remotes: [{ type: 'sse', url: 'http://a.example' }] } }],
        metadata: { nextCursor: 'x' },
      }),
    )
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })

    assert.match(errorIn((await source.next())[0]).message, /page 3 leads back/)
    assert.equal(place.requests.length, 2)
  })

  it('is read incrementally by updates and deletions', async () => {
    let clock = Date.parse('2026-11-01T00:00:00Z')
    const registry = registryOf(250, { now: () => new Date(clock) })
    clock += 3_600_000
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    await source.next()

    clock += 3_600_000
    registry.publish(name(0), { version: '2.0.0' })
    registry.publish(name(1), { status: 'deleted' })
    registry.publish('org.example/new')
    const before = registry.queries.length
    const [reading] = await source.refresh()

    const names = namesIn(reading)
    assert.equal(names.length, 250)
    assert.ok(names.includes('org.example/new') && !names.includes(name(1)))
    assert.match(JSON.stringify(reading), /"version":"2.0.0"/)
    assert.equal(registry.queries.length, before + 1)
    assert.equal(registry.queries.at(-1)?.get('updated_since'), '2026-11-01T00:55:00Z')
  })

  it('is read completely at times, which finds erased servers', async () => {
    let clock = Date.parse('2026-11-01T00:00:00Z')
    const registry = registryOf(120, { now: () => new Date(clock) })
    clock += 3_600_000
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    await source.next()
    clock += 3_600_000
    registry.erase(name(7))

    let looks = 1
    while (namesIn((await source.refresh())[0]).length === 120) looks += 1

    assert.equal(looks, 20)
  })

  it('is read completely every time if it ignores updated_since', async () => {
    const registry = registryOf(250, { knows: ['cursor', 'limit'] })
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    await source.next()
    registry.erase(name(7))

    assert.equal(namesIn((await source.refresh())[0]).length, 249)
  })

  it('may have 10,000 servers without blocking the event loop', async () => {
    const registry = registryOf(10_000)
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers`, prefix: 'official.', tags: ['official'] })
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    const before = performance.now()

    const [reading] = await source.next()

    delay.disable()
    assert.equal(namesIn(reading).length, 10_000)
    assert.equal(registry.queries.length, 100)
    assert.ok(performance.now() - before < 10_000, `took ${performance.now() - before} ms`)
    assert.equal((await source.refresh())[0], reading)
    process.stdout.write(
      `# 10,000 servers: longest stall ${(delay.max / 1e6).toFixed(0)} ms, p99 ${(delay.percentile(99) / 1e6).toFixed(0)} ms\n`,
    )
  })
})
