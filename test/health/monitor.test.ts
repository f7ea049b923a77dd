import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Capability } from '../../src/model/capability.ts'
import { ServerDefinition } from '../../src/model/server.ts'
import { toTransferredEntry } from '../../src/sources/roster/transferred-server.ts'
import { createTestMonitor, many, refused, urls, well } from './create-test-monitor.ts'

const url = 'http://weather.example/mcp'

describe('server status', () => {
  it('goes from pending to healthy at the first success, to unhealthy after three failures, back after two successes', async () => {
    const rig = createTestMonitor()
    rig.put({})
    const seen = [rig.server('weather').status]
    const probe = async () => seen.push((await rig.monitor.probe('default/weather'))?.status ?? 'pending')
    // The fake server responds after 20 ms.
    const probed = async () => (await Promise.all([probe(), rig.pass(20)]), undefined)

    await probed()
    rig.behave(url, refused)
    for (let times = 0; times < 3; times++) await probed()
    rig.behave(url, well)
    for (let times = 0; times < 2; times++) await probed()

    assert.deepEqual(seen, ['pending', 'healthy', 'degraded', 'degraded', 'unhealthy', 'unhealthy', 'healthy'])
  })

  it('includes the reason, the protocol version and since when it holds', async () => {
    const rig = createTestMonitor()
    rig.behave(url, { ok: true, reason: 'auth_required', protocol_version: '2025-11-25' })
    rig.put({})
    await rig.pass(2000)
    const { status, health } = rig.server('weather')
    assert.equal(status, 'healthy')
    assert.deepEqual({ ...health, since: '' }, { since: '', reason: 'auth_required', protocol_version: '2025-11-25' })

    await rig.pass(60_000)
    assert.equal(rig.server('weather').health.since, health.since, 'further successes do not change it')
    rig.behave(url, refused)
    await rig.pass(40_000)

    assert.equal(rig.server('weather').health.reason, 'refused')
    assert.ok(rig.server('weather').health.since > health.since)
  })

  it('leads to a revision only when it changes', async () => {
    const rig = createTestMonitor()
    rig.put({})
    await rig.pass(2000)
    const settled = rig.revisions.length

    await rig.pass(3_600_000)

    assert.ok(rig.started.length > 100)
    assert.equal(rig.revisions.length, settled)
  })

  it('does not flap with a flapping target', async () => {
    const rig = createTestMonitor()
    let times = 0
    rig.put({})
    const settled = rig.revisions.length
    for (let round = 0; round < 100; round++) {
      rig.behave(url, times++ % 2 === 0 ? well : refused)
      await rig.pass(30_000)
    }
    assert.ok(rig.revisions.length - settled <= 100 / 3, `${rig.revisions.length - settled} revisions`)
  })

  it('starts over with another target, and drops a late result of the old one', async () => {
    const rig = createTestMonitor()
    rig.behave(url, { ...refused, takesMs: 4000 })
    rig.put({})
    await rig.pass(1500)
    assert.equal(rig.inFlight(), 1)

    rig.put({ url: 'http://other.example/mcp' })
    assert.equal(rig.server('weather').status, 'pending')
    await rig.pass(5000)

    assert.equal(rig.server('weather').status, 'healthy')
    assert.equal(rig.monitor.volatile('default/weather')?.consecutive_failures, 0)
    assert.equal(rig.monitor.stats().targets, 1)
    assert.equal(rig.inFlight(), 0)
  })

  it('survives a hundred reloads that keep the target', async () => {
    const rig = createTestMonitor()
    rig.put({})
    await rig.pass(2000)
    rig.behave(url, { ...refused, takesMs: 3000 })
    await rig.pass(40_000)
    const failures = rig.monitor.volatile('default/weather')?.consecutive_failures
    assert.equal(failures, 1)

    for (let reload = 0; reload < 100; reload++) rig.put({ tags: [`reload-${reload}`] })

    assert.equal(rig.monitor.volatile('default/weather')?.consecutive_failures, 1)
    assert.equal(rig.server('weather').status, 'degraded')
    await rig.pass(300)
    assert.equal(rig.started.filter(({ at }) => at > rig.clock.now() - 300).length, 0, 'a reload triggers no probe')
  })

  it('does not count a probe cancelled by the server’s removal', async () => {
    const rig = createTestMonitor()
    rig.behave(url, { never: true })
    for (let round = 0; round < 100; round++) {
      rig.put({})
      await rig.pass(500)
      rig.drop('weather')
    }
    rig.behave(url, well)
    rig.put({})
    await rig.pass(2000)

    assert.equal(rig.server('weather').status, 'healthy')
    assert.equal(rig.monitor.stats().probes.timeout, 0)
    assert.equal(rig.monitor.stats().in_flight, 0)
  })
})

describe('requested probe', () => {
  it('returns the outcome, updates the registry first, and joins a probe in flight', async () => {
    const rig = createTestMonitor()
    rig.behave(url, { ...refused, takesMs: 50 })
    rig.put({})
    const probes = Promise.all([rig.monitor.probe('default/weather'), rig.monitor.probe('default/weather')])
    await rig.pass(50)
    const [one, other] = await probes

    assert.deepEqual(one, {
      ok: false,
      reason: 'refused',
      status: 'degraded',
      response_time_ms: 50,
      checked_at: new Date(rig.clock.wall()).toISOString(),
      suspected: false,
    })
    assert.deepEqual(other, one)
    assert.equal(rig.started.length, 1)
    assert.equal(rig.server('weather').status, 'degraded')
  })

  it('sees every server of a large change at once: added, changed or removed', async () => {
    const rig = createTestMonitor()
    const reasonOf = async (name: string) => {
      const [outcome] = await Promise.all([rig.monitor.probe(`default/${name}`), rig.pass(20)])
      return outcome?.reason
    }
    rig.put(...many(1000))
    assert.equal(await reasonOf('s900'), 'ok')
    rig.put(...many(1000, (index) => ({ url: `http://other${index}.example/mcp` })))
    rig.behave('http://other901.example/mcp', refused)
    assert.equal(await reasonOf('s901'), 'refused')

    rig.put(...many(1000, () => ({ enabled: false })))
    rig.drop(...many(500).map(({ name }) => name))

    assert.equal(await reasonOf('s499'), undefined)
    assert.equal(await reasonOf('s902'), 'disabled')
    await rig.pass(60_000)
    assert.equal(rig.monitor.stats().targets, 0)
    assert.equal(rig.inFlight(), 0)
  })

  it('explains why a server cannot be probed, and returns undefined for an unknown one', async () => {
    const rig = createTestMonitor()
    rig.put(
      { name: 'off', enabled: false },
      { name: 'command', url: undefined, command: 'npx' },
      { name: 'open', url: 'http://${HOST}/mcp' },
    )
    assert.equal((await rig.monitor.probe('default/off'))?.reason, 'disabled')
    assert.equal((await rig.monitor.probe('default/command'))?.reason, 'not_checkable')
    assert.equal((await rig.monitor.probe('default/open'))?.reason, 'not_checkable')
    assert.equal(await rig.monitor.probe('default/unknown'), undefined)
    assert.equal(rig.monitor.volatile('default/off'), undefined)
    await rig.pass(120_000)
    assert.equal(rig.started.length, 0)
  })

  it('ends when its server is removed', async () => {
    const rig = createTestMonitor()
    rig.behave(url, { never: true })
    rig.put({})
    const requested = rig.monitor.probe('default/weather')
    rig.drop('weather')
    await rig.pass(0)

    assert.equal(await requested, undefined)
  })

  it('has the whole deadline even when it joins a probe with a short one', async () => {
    const rig = createTestMonitor({ config: { max_concurrency: 2 } })
    for (const one of urls(100)) rig.behave(one, { needsMs: 2000 })
    rig.put(...many(100))
    await rig.pass(4500)
    const short = rig.started.slice(-rig.inFlight()).find(({ url }) => rig.startsOf(url).length === 1)

    const { hostname } = new URL(short?.url ?? assert.fail())
    const requested = rig.monitor.probe(`default/${hostname.replace('.example', '')}`)
    await rig.pass(10_000)

    assert.equal((await requested)?.reason, 'ok')
  })

  it('reports on the target that the server has when it ends', async () => {
    const rig = createTestMonitor()
    rig.behave(url, { ...refused, takesMs: 2000 })
    rig.put({})
    const requested = rig.monitor.probe('default/weather')
    await rig.pass(100)

    rig.put({ url: 'http://other.example/mcp' })
    await rig.pass(5000)

    assert.equal((await requested)?.reason, 'ok')
  })
})

describe('the interval of a definition', () => {
  it('is obeyed where it names 30 seconds, and is that of the config where it names none', async () => {
    for (const [fields, expected] of [
      [{ health_check_interval: 30 }, 4],
      [{}, 1],
    ] as const) {
      const rig = createTestMonitor({ config: { interval: 600 } })
      rig.put(fields)
      await rig.pass(115_000)
      assert.equal(rig.started.length, expected, JSON.stringify(fields))
      assert.equal(rig.registry.get('default/weather')?.server.health_check_interval, 30)
      rig.put({ health_check_interval: 30 })
      await rig.pass(115_000)
      assert.ok(rig.started.length >= expected + 3, 'an interval that is named later is obeyed')
    }
  })

  it('counts as none where another roster shows 30, which may be its default', async () => {
    const entry = (interval: number) =>
      toTransferredEntry(
        { id: 'default/a', name: 'a', url: 'http://a.example/mcp', health_check_interval: interval },
        { remoteInstance: 'remote', isOwnInstance: () => false, trustHealth: false },
      )
    const intervalOf = (interval: number) => {
      const one = entry(interval)
      return 'value' in one ? ServerDefinition.parse(one.value).health_check_interval : assert.fail()
    }
    assert.deepEqual([intervalOf(30), intervalOf(10)], [undefined, 10])
  })
})

describe('live health', () => {
  it('lists the last sixty results, newest last, and has a version of its own', async () => {
    const rig = createTestMonitor()
    rig.put({ health_check_interval: 1 })
    await rig.pass(90_000)
    rig.behave(url, { ...refused, takesMs: 7.25 })
    const before = rig.monitor.version('default/weather')
    await rig.pass(1200)
    const volatile = rig.monitor.volatile('default/weather')

    assert.ok(rig.monitor.version('default/weather') > before)
    assert.equal(volatile?.history.length, 60)
    assert.equal(volatile?.consecutive_failures, 1)
    assert.equal(volatile?.response_time_ms, 7.25)
    assert.deepEqual(volatile?.history.at(-1), {
      at: volatile?.last_checked,
      ok: false,
      reason: 'refused',
      response_time_ms: 7.25,
    })
    assert.ok(volatile?.history[0]?.ok)
    const times = volatile?.history.map(({ at }) => at) ?? []
    assert.deepEqual(times, times.toSorted())
  })
})

describe('introspection', () => {
  const tool = (name: string) => Capability.parse({ name, kind: 'tool', origin: 'introspected' })

  it('happens at the first success, at every tenth probe, and on recovery', async () => {
    const rig = createTestMonitor({ config: { interval: 10 } })
    rig.behave(url, { capabilities: [tool('add')], version: '1.2.3' })
    rig.put({ capabilities: ['declared'] })
    await rig.pass(2000)
    assert.deepEqual(
      rig
        .server('weather')
        .capabilities.map(({ name }) => name)
        .toSorted(),
      ['add', 'declared'],
    )
    assert.equal(rig.server('weather').version, '1.2.3')

    await rig.pass(220_000)
    const learning = rig.started.filter(({ learn }) => learn).length
    assert.ok(learning >= 2 && learning <= 4, `${learning} of ${rig.started.length}`)

    rig.behave(url, refused)
    await rig.pass(60_000)
    rig.behave(url, { capabilities: [tool('multiply')] })
    await rig.pass(60_000)
    assert.deepEqual(
      rig
        .server('weather')
        .capabilities.map(({ name }) => name)
        .toSorted(),
      ['declared', 'multiply'],
    )
  })
})

describe('monitor under clock trouble', () => {
  it('ignores steps of the wall clock', async () => {
    const rig = createTestMonitor()
    rig.put({})
    for (const step of [3_600_000, -7_200_000, 86_400_000]) {
      await rig.pass(60_000)
      rig.step(step)
    }
    await rig.pass(60_000)

    const starts = rig.startsOf(url)
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0))
    assert.ok(Math.min(...gaps) >= 27_000 && Math.max(...gaps) <= 33_000, gaps.join())
    assert.equal(rig.server('weather').status, 'healthy')
  })

  it('disregards a failure during a stall of the event loop', async () => {
    const rig = createTestMonitor()
    rig.put({})
    await rig.pass(2000)
    rig.behave(url, { ...refused, takesMs: 3000 })
    while (rig.inFlight() === 0) await rig.pass(100)
    rig.stall(60_000)
    await rig.pass(200)

    assert.equal(rig.server('weather').status, 'healthy')
    assert.equal(rig.monitor.stats().disregarded, 1)
    assert.equal(rig.monitor.volatile('default/weather')?.consecutive_failures, 0)
    await rig.pass(8000)
    assert.equal(rig.server('weather').status, 'degraded', 'the probe is repeated soon')
  })

  it('disregards a failure during a suspend, when the monotonic clock stood still', async () => {
    const rig = createTestMonitor()
    rig.put({})
    await rig.pass(2000)
    rig.behave(url, { ...refused, takesMs: 3000 })
    while (rig.inFlight() === 0) await rig.pass(100)
    rig.step(600_000)
    await rig.pass(3000)

    assert.equal(rig.monitor.stats().disregarded, 1)
    assert.equal(rig.server('weather').status, 'healthy')
  })
})

describe('closed monitor', () => {
  it('leaves no probes and no timers', async () => {
    const rig = createTestMonitor()
    rig.put(...many(200))
    for (const url of urls(200)) rig.behave(url, { never: true })
    await rig.pass(10_000)
    assert.ok(rig.inFlight() > 0)

    await rig.monitor[Symbol.asyncDispose]()

    assert.equal(rig.inFlight(), 0)
    assert.equal(rig.timers(), 0)
    const revisions = rig.revisions.length
    rig.put({ name: 'late' })
    await rig.pass(60_000)
    assert.equal(rig.revisions.length, revisions + 1)
  })
})
