import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HealthConfig } from '../../src/health/config.ts'
import { createProbeTarget } from '../../src/health/probe-target.ts'
import { createProbeSchedule } from '../../src/health/scheduling/probe-schedule.ts'
import { ServerDefinition } from '../../src/model/server.ts'
import { createRig, many, refused, urls, well } from './rig.ts'
import { createTime } from './time.ts'

const url = 'http://weather.example/mcp'

describe('when probes start', () => {
  it('checks a newcomer within a second, and then every interval with jitter', async () => {
    const rig = createRig()
    rig.put({ health_check_interval: 10 })
    await rig.pass(1000)
    assert.equal(rig.started.length, 1)
    await rig.pass(1_000_000)

    const starts = rig.startsOf(url)
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0))
    // Who is due waits a moment for who is due soon.
    assert.ok(Math.min(...gaps) >= 9000 && Math.max(...gaps) <= 11_025, `${Math.min(...gaps)} to ${Math.max(...gaps)}`)
    assert.ok(new Set(gaps).size > 50, 'the gaps differ')
  })

  it('checks a target as often as the hastiest of its servers asks for, which came last', async () => {
    const rig = createRig()
    rig.put({ health_check_interval: 3600 })
    await rig.pass(2000)
    const before = rig.started.length

    rig.put({ name: 'hasty', health_check_interval: 5 })
    await rig.pass(60_000)

    assert.ok(rig.started.length - before >= 10, `${rig.started.length - before} checks in a minute`)
  })

  it('spreads a crowd over the interval', async () => {
    const rig = createRig()
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
    assert.ok(rig.mostInFlight() <= 64)
    assert.ok(rig.revisions.length < 400, 'observations come in batches')
  })

  it('keeps to 64 at once and 2 for one host and port', async () => {
    const rig = createRig({ config: { interval: 1 } })
    rig.put(...many(500, (index) => ({ url: `http://h${index % 40}.example/mcp/${index}` })))
    for (const { url } of many(500, (index) => ({ url: `http://h${index % 40}.example/mcp/${index}` }))) {
      rig.behave(url, { takesMs: 3000 })
    }
    let mostForOne = 0
    for (let step = 0; step < 300; step++) {
      await rig.pass(100)
      const recent = rig.started.filter(({ at }) => at > rig.clock.now() - 2900)
      const hosts = Map.groupBy(recent, ({ url }) => new URL(url).host)
      mostForOne = Math.max(mostForOne, ...[...hosts.values()].map(({ length }) => length))
    }

    assert.equal(rig.mostInFlight(), 64)
    assert.equal(mostForOne, 2)
    assert.equal(new Set(rig.started.map(({ url }) => url)).size, 500, 'everybody has a turn')
  })

  it('probes the living on time beside two thousand that never answer', async () => {
    const rig = createRig({ config: { self_preservation: { enabled: false } } })
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
    assert.ok(slow <= 32, `${slow} of the dead are being asked`)
  })

  it('finds the living among two thousand newcomers that never answer, within about an interval', async () => {
    const rig = createRig()
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

  it('asks those that are down half as often', async () => {
    const rig = createRig({ config: { interval: 10 } })
    rig.behave(url, refused)
    rig.put({})
    await rig.pass(40_000)
    assert.equal(rig.server('weather').status, 'unhealthy')
    const from = rig.started.length
    await rig.pass(400_000)
    assert.ok(rig.started.length - from >= 18 && rig.started.length - from <= 23, `${rig.started.length - from} probes`)

    rig.behave(url, well)
    await rig.pass(35_000)
    assert.equal(rig.server('weather').status, 'healthy', 'a first success brings the second soon')
  })

  it('probes a target once, however many servers share it', async () => {
    const rig = createRig()
    rig.put(...many(100, () => ({ url })))
    await rig.pass(2000)
    assert.equal(rig.started.length, 1)
    for (let index = 0; index < 100; index++) assert.equal(rig.server(`s${index}`).status, 'healthy')

    rig.put({ name: 'late' })
    await rig.pass(150)
    assert.equal(rig.started.length, 1)
    assert.equal(rig.server('late').status, 'healthy', 'a late one knows what is known')

    rig.put({ name: 'keyed', headers: { authorization: 'other' } })
    rig.change([{ name: 'stranger' }], [], 'private')
    await rig.pass(2000)
    assert.equal(rig.started.length, 3, 'with another token or less trust it is another target')
  })

  it('goes by the shortest interval of those that share a target, and by a new one at once', async () => {
    const rig = createRig()
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

  it('follows a new config', async () => {
    const rig = createRig({ config: { interval: 3600 } })
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
    assert.equal(rig.server('s0').status, 'healthy', 'what was known holds again')
    await rig.pass(6000)
    assert.ok(rig.started.length > before)
  })
})

describe('the agenda', () => {
  it('holds nothing of those who leave, or are asked to come at another time', () => {
    const { clock } = createTime()
    const agenda = createProbeSchedule({ clock, onDue: () => assert.fail() })
    const subjects = many(1000).map(({ name, url }) =>
      createProbeTarget(url, { server: ServerDefinition.parse({ name, url }) } as never, 1),
    )
    const inADay = clock.now() + 86_400_000
    for (const subject of subjects) agenda.set(subject, inADay)
    const [first = assert.fail(), ...others] = subjects
    for (const subject of others) agenda.drop(subject)
    assert.ok(agenda.size() < 100, `${agenda.size()} appointments`)

    for (let times = 0; times < 1000; times++) agenda.set(first, inADay + times)
    assert.ok(agenda.size() < 100, `${agenda.size()} appointments`)
  })
})
