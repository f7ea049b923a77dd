import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { describe, it } from 'node:test'
import { errorIn, namesIn } from '../poll-source.ts'
import { json, openHttpSource, openDirectory, paths } from './test-directory.ts'
import { createFilledRegistry, registryName } from './test-registry.ts'

describe('a registry of many pages', () => {
  it('is read to its last page, with the largest page size', async () => {
    const registry = createFilledRegistry(250)
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
    using place = await openDirectory(paths({ '/registry/team/v0.1/servers': createFilledRegistry(3).answer }))
    await using source = openHttpSource({ url: `${place.url}/registry/team` })

    assert.equal(namesIn((await source.next())[0]).length, 3)
    await source.refresh()
    assert.equal(new URL(place.requests.at(-1)?.url ?? '', place.url).pathname, '/registry/team/v0.1/servers')
  })

  it('is an error if one of its pages cannot be read', async () => {
    const registry = createFilledRegistry(250)
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    registry.failOn((query) => query.get('cursor') === registryName(99))

    const error = errorIn((await source.next())[0])
    assert.match(error.message, /page 2: server answered 503/)
    assert.equal(error.class, 'partial')

    registry.failOn(() => false)
    assert.equal(namesIn((await source.refresh())[0]).length, 250)
  })

  it('keeps its servers when a later page fails', async () => {
    const registry = createFilledRegistry(250, { knows: ['cursor', 'limit'] })
    using place = await openDirectory(paths({ '/v0.1/servers': registry.answer }))
    await using source = openHttpSource({ url: `${place.url}/v0.1/servers` })
    await source.next()

    registry.failOn((query) => query.get('cursor') === registryName(199))
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

  it('may have 10,000 servers without blocking the event loop', async () => {
    const registry = createFilledRegistry(10_000)
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
