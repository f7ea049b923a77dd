import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HealthConfig } from '../../../src/health/config.ts'
import { createTestMonitor, many, refused, urls, well } from '../create-test-monitor.ts'

const url = 'http://weather.example/mcp'

describe('probe runner', () => {
  it('probes a new server within a second, then every interval with jitter', async () => {
    const rig = createTestMonitor()
    rig.put({ health_check_interval: 10 })
    await rig.pass(1000)
    assert.equal(rig.started.length, 1)
    await rig.pass(1_000_000)

    const starts = rig.startsOf(url)
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0))
    // The coalescing window adds up to 25 ms.
    assert.ok(Math.min(...gaps) >= 9000 && Math.max(...gaps) <= 11_025, `${Math.min(...gaps)} to ${Math.max(...gaps)}`)
    assert.ok(new Set(gaps).size > 50, 'the gaps differ')
  })

  it('applies the shorter interval of a server that joins a target', async () => {
    const rig = createTestMonitor()
    rig.put({ health_check_interval: 3600 })
    await rig.pass(2000)
    const before = rig.started.length

    rig.put({ name: 'short', health_check_interval: 5 })
    await rig.pass(60_000)

    assert.ok(rig.started.length - before >= 10, `${rig.started.length - before} probes in a minute`)
  })

  it('spreads the first probes of many servers over the interval', async () => {
    const rig = createTestMonitor()
    rig.put(...many(5000))
    await rig.pass(30_500)

    const buckets = new Map<number, number>()
    const first = rig.clock.now() - 30_500
    for (const { at } of rig.started.filter(({ at }) => at < first + 30_000)) {
      const bucket = Math.floor((at - first) / 100)
      buckets.set(bucket, (buckets.get(bucket) ?? 0) + 1)
    }
    assert.equal(new Set(rig.started.map(({ url }) => url)).size, 5000)
    assert.ok(Math.max(...buckets.values()) <= (3 * 5000) / 300, `${Math.max(...buckets.values())} in 100 ms`)
    assert.ok(rig.maxInFlight() <= 64)
    assert.ok(rig.revisions.length < 400, 'observations come in batches')
  })

  it('runs at most 64 probes at once, and 2 per host and port', async () => {
    const rig = createTestMonitor({ config: { interval: 1 } })
    rig.put(...many(500, (index) => ({ url: `http://h${index % 40}.example/mcp/${index}` })))
    for (const { url } of many(500, (index) => ({ url: `http://h${index % 40}.example/mcp/${index}` }))) {
      rig.behave(url, { takesMs: 3000 })
    }
    let maxPerHost = 0
    for (let step = 0; step < 300; step++) {
      await rig.pass(100)
      const recent = rig.started.filter(({ at }) => at > rig.clock.now() - 2900)
      const hosts = Map.groupBy(recent, ({ url }) => new URL(url).host)
      maxPerHost = Math.max(maxPerHost, ...[...hosts.values()].map(({ length }) => length))
    }

    assert.equal(rig.maxInFlight(), 64)
    assert.equal(maxPerHost, 2)
    assert.equal(new Set(rig.started.map(({ url }) => url)).size, 500, 'every target is probed')
  })

  it('probes living targets on time beside two thousand that never respond', async () => {
    const rig = createTestMonitor({ config: { self_preservation: { enabled: false } } })
    rig.put(...many(50, (index) => ({ name: `living${index}`, url: `http://living${index}.example/mcp` })))
    await rig.pass(35_000)
    for (const url of urls(2000)) rig.behave(url, { never: true })
    rig.put(...many(2000))
    await rig.pass(400_000)
    const from = rig.clock.now()
    await rig.pass(120_000)

    const gaps: number[] = []
    for (let index = 0; index < 50; index++) {
      const starts = rig.startsOf(`http://living${index}.example/mcp`).filter((at) => at > from)
      for (const [at, start] of starts.slice(1).entries()) gaps.push(start - (starts[at] ?? 0))
    }
    assert.ok(gaps.length > 100)
    assert.ok(Math.max(...gaps) <= 34_000, `a gap of ${Math.max(...gaps)} ms`)
    assert.ok(rig.monitor.stats().in_flight <= 64)
    const slow = rig.started.filter(({ url, at }) => at > rig.clock.now() - 4999 && !url.includes('living')).length
    assert.ok(slow <= 32, `${slow} probes of dead targets in flight`)
  })

  it('finds living servers among two thousand new ones that never respond within about an interval', async () => {
    const rig = createTestMonitor()
    for (const url of urls(2000)) rig.behave(url, { never: true })
    const living = many(50, (index) => ({ name: `living${index}`, url: `http://living${index}.example/mcp` }))
    const dead = many(2000)
    rig.put(...dead.slice(0, 1000), ...living, ...dead.slice(1000))
    await rig.pass(36_000)

    for (const { name } of living) assert.equal(rig.server(name).status, 'healthy', name)
    await rig.pass(400_000)
    assert.equal(rig.monitor.stats().in_flight <= 64, true)
    assert.equal(rig.registry.list().filter(({ server }) => server.status === 'pending').length, 0)
    assert.equal(rig.registry.list().filter(({ server }) => server.status === 'healthy').length, 50)
  })

  it('backs off to twice the interval for an unhealthy target', async () => {
    const rig = createTestMonitor({ config: { interval: 10 } })
    rig.behave(url, refused)
    rig.put({})
    await rig.pass(40_000)
    assert.equal(rig.server('weather').status, 'unhealthy')
    const from = rig.started.length
    await rig.pass(400_000)
    assert.ok(rig.started.length - from >= 18 && rig.started.length - from <= 23, `${rig.started.length - from} probes`)

    rig.behave(url, well)
    await rig.pass(35_000)
    assert.equal(rig.server('weather').status, 'healthy', 'the second success follows soon')
  })

  it('probes a target once for all servers that share it', async () => {
    const rig = createTestMonitor()
    rig.put(...many(100, () => ({ url })))
    await rig.pass(2000)
    assert.equal(rig.started.length, 1)
    for (let index = 0; index < 100; index++) assert.equal(rig.server(`s${index}`).status, 'healthy')

    rig.put({ name: 'late' })
    await rig.pass(150)
    assert.equal(rig.started.length, 1)
    assert.equal(rig.server('late').status, 'healthy', 'a server that joins gets the known status')

    rig.put({ name: 'keyed', headers: { authorization: 'other' } })
    rig.change([{ name: 'stranger' }], [], 'private')
    await rig.pass(2000)
    assert.equal(rig.started.length, 3, 'other headers or another reach make another target')
  })

  it('uses the shortest interval of a target’s servers, and applies a changed one at once', async () => {
    const rig = createTestMonitor()
    rig.put({ name: 'slow', health_check_interval: 3600 })
    await rig.pass(2000)
    rig.put({ name: 'fast', health_check_interval: 5 })
    rig.put({ name: 'slow', health_check_interval: 3000 })
    await rig.pass(60_000)
    assert.ok(rig.started.length >= 10, `${rig.started.length} probes`)

    rig.drop('fast')
    const before = rig.started.length
    await rig.pass(60_000)
    assert.ok(rig.started.length - before <= 1)
  })

  it('applies a new config', async () => {
    const rig = createTestMonitor({ config: { interval: 3600 } })
    rig.put(...many(20))
    await rig.pass(3000)
    const config = HealthConfig.parse({ interval: 5, max_concurrency: 4, max_concurrency_per_host: 1 })
    rig.monitor.reconfigure(config)
    await rig.pass(6000)
    assert.ok(rig.started.length >= 40)

    rig.monitor.reconfigure({ ...config, enabled: false })
    await rig.pass(200)
    assert.equal(rig.server('s0').status, 'unknown')
    const before = rig.started.length
    await rig.pass(60_000)
    assert.equal(rig.started.length, before)

    rig.monitor.reconfigure(config)
    await rig.pass(200)
    assert.equal(rig.server('s0').status, 'healthy', 'the earlier verdict is published again')
    await rig.pass(6000)
    assert.ok(rig.started.length > before)
  })
})
