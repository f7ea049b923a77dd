import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HealthConfig } from '../../src/health/config.ts'
import { Capability } from '../../src/model/capability.ts'
import { createRig, refused, well } from './rig.ts'

const url = 'http://weather.example/mcp'
const many = (count: number, fields: (index: number) => object = () => ({})) =>
  Array.from({ length: count }, (_, index) => ({
    name: `s${index}`,
    url: `http://s${index}.example/mcp`,
    ...fields(index),
  }))
const urls = (count: number) => many(count).map(({ url }) => url)

describe('the status of a server', () => {
  it('is pending, healthy at its first success, degraded, unhealthy after three failures, healthy after two successes', async () => {
    const rig = createRig()
    rig.put({})
    const seen = [rig.server('weather').status]
    const check = async () => seen.push((await rig.monitor.check('default/weather'))?.status ?? 'pending')
    // A check of ours is answered by the far end after 20 ms.
    const checked = async () => (await Promise.all([check(), rig.pass(20)]), undefined)

    await checked()
    rig.behave(url, refused)
    for (let times = 0; times < 3; times++) await checked()
    rig.behave(url, well)
    for (let times = 0; times < 2; times++) await checked()

    assert.deepEqual(seen, ['pending', 'healthy', 'degraded', 'degraded', 'unhealthy', 'unhealthy', 'healthy'])
  })

  it('carries the reason and the protocol, and says since when it holds', async () => {
    const rig = createRig()
    rig.behave(url, { ok: true, reason: 'auth_required', protocol_version: '2025-11-25' })
    rig.put({})
    await rig.pass(2000)
    const { status, health } = rig.server('weather')
    assert.equal(status, 'healthy')
    assert.deepEqual({ ...health, since: '' }, { since: '', reason: 'auth_required', protocol_version: '2025-11-25' })

    await rig.pass(60_000)
    assert.equal(rig.server('weather').health.since, health.since, 'further successes do not move it')
    rig.behave(url, refused)
    await rig.pass(40_000)

    assert.equal(rig.server('weather').health.reason, 'refused')
    assert.ok(rig.server('weather').health.since > health.since)
  })

  it('makes a revision when it changes, and only then', async () => {
    const rig = createRig()
    rig.put({})
    await rig.pass(2000)
    const settled = rig.revisions.length

    await rig.pass(3_600_000)

    assert.ok(rig.started.length > 100)
    assert.equal(rig.revisions.length, settled)
  })

  it('does not flap with a target that flaps', async () => {
    const rig = createRig()
    let times = 0
    rig.put({})
    const settled = rig.revisions.length
    for (let round = 0; round < 100; round++) {
      rig.behave(url, times++ % 2 === 0 ? well : refused)
      await rig.pass(30_000)
    }
    assert.ok(rig.revisions.length - settled <= 100 / 3, `${rig.revisions.length - settled} revisions`)
  })

  it('starts anew with another target, and a late word on the old one is dropped', async () => {
    const rig = createRig()
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

  it('outlives a hundred reloads that leave the target as it is', async () => {
    const rig = createRig()
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
    assert.equal(rig.started.filter(({ at }) => at > rig.clock.now() - 300).length, 0, 'no reload is a reason to probe')
  })

  it('counts no failure of a probe that a removal cut short', async () => {
    const rig = createRig()
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

describe('a check by hand', () => {
  it('answers with what was found, at once in the registry, and joins a probe under way', async () => {
    const rig = createRig()
    rig.behave(url, { ...refused, takesMs: 50 })
    rig.put({})
    const checks = Promise.all([rig.monitor.check('default/weather'), rig.monitor.check('default/weather')])
    await rig.pass(50)
    const [one, other] = await checks

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

  it('knows every server of a crowd the moment it comes, changes and goes', async () => {
    const rig = createRig()
    const asked = async (name: string) => {
      const [outcome] = await Promise.all([rig.monitor.check(`default/${name}`), rig.pass(20)])
      return outcome?.reason
    }
    rig.put(...many(1000))
    assert.equal(await asked('s900'), 'ok')
    rig.put(...many(1000, (index) => ({ url: `http://other${index}.example/mcp` })))
    rig.behave('http://other901.example/mcp', refused)
    assert.equal(await asked('s901'), 'refused')

    rig.put(...many(1000, () => ({ enabled: false })))
    rig.drop(...many(500).map(({ name }) => name))

    assert.equal(await asked('s499'), undefined)
    assert.equal(await asked('s902'), 'disabled')
    await rig.pass(60_000)
    assert.equal(rig.monitor.stats().targets, 0)
    assert.equal(rig.inFlight(), 0)
  })

  it('says of a server that cannot be checked why, and of none nothing', async () => {
    const rig = createRig()
    rig.put(
      { name: 'off', enabled: false },
      { name: 'command', url: undefined, command: 'npx' },
      { name: 'open', url: 'http://${HOST}/mcp' },
    )
    assert.equal((await rig.monitor.check('default/off'))?.reason, 'disabled')
    assert.equal((await rig.monitor.check('default/command'))?.reason, 'not_checkable')
    assert.equal((await rig.monitor.check('default/open'))?.reason, 'not_checkable')
    assert.equal(await rig.monitor.check('default/nobody'), undefined)
    assert.equal(rig.monitor.volatile('default/off'), undefined)
    await rig.pass(120_000)
    assert.equal(rig.started.length, 0)
  })

  it('ends with the server it asked about', async () => {
    const rig = createRig()
    rig.behave(url, { never: true })
    rig.put({})
    const check = rig.monitor.check('default/weather')
    rig.drop('weather')
    await rig.pass(0)

    assert.equal(await check, undefined)
  })
})

describe('what moves with every probe', () => {
  it('is the last sixty results, newest last, with a version of its own', async () => {
    const rig = createRig()
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

describe('when probes start', () => {
  it('checks a newcomer within a second, and then every interval with jitter', async () => {
    const rig = createRig()
    rig.put({ health_check_interval: 10 })
    await rig.pass(1000)
    assert.equal(rig.started.length, 1)
    await rig.pass(1_000_000)

    const starts = rig.startsOf(url)
    const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? 0))
    assert.ok(Math.min(...gaps) >= 9000 && Math.max(...gaps) <= 11_000, `${Math.min(...gaps)} to ${Math.max(...gaps)}`)
    assert.ok(new Set(gaps).size > 50, 'the gaps differ')
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
    const rig = createRig({ config: { suspicion: { enabled: false } } })
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
    const config = HealthConfig.parse({ interval: 5, concurrency: 4, per_host: 1 })
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

describe('what a server tells of itself', () => {
  const tool = (name: string) => Capability.parse({ name, kind: 'tool', origin: 'introspected' })

  it('is asked at first success, every tenth probe, and when it comes back', async () => {
    const rig = createRig({ config: { interval: 10 } })
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
    const asked = rig.started.filter(({ learn }) => learn).length
    assert.ok(asked >= 2 && asked <= 4, `asked ${asked} times in ${rig.started.length}`)

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

describe('the daemon suspects itself', () => {
  const failing = (rig: ReturnType<typeof createRig>, count: number) => {
    for (const url of urls(count)) rig.behave(url, refused)
  }
  const statuses = (rig: ReturnType<typeof createRig>) =>
    Object.fromEntries(
      Object.entries(Object.groupBy(rig.registry.list(), ({ server }) => server.status)).map(([status, list]) => [
        status,
        list.length,
      ]),
    )
  const healthy = async (count: number, config: object = {}) => {
    const rig = createRig({ config })
    rig.put(...many(count))
    await rig.pass(35_000)
    assert.deepEqual(statuses(rig), { healthy: count })
    return rig
  }

  it('when 12 of 20 begin to fail at once: their status stays, and it says so', async () => {
    const rig = await healthy(20)
    failing(rig, 12)
    await rig.pass(36_000)

    const suspicion = rig.monitor.suspicion()
    assert.equal(suspicion?.failing, 12)
    assert.equal(suspicion?.of, 20)
    assert.deepEqual(statuses(rig), { healthy: 20 })
    assert.equal(rig.monitor.stats().suspicion, true)
    const check = rig.monitor.check('default/s0')
    await rig.pass(20)
    assert.deepEqual(
      { ...(await check), checked_at: '' },
      {
        ok: false,
        reason: 'refused',
        status: 'healthy',
        response_time_ms: 20,
        checked_at: '',
        suspected: true,
      },
    )
  })

  it('not when one fails, nor half, nor most of a handful', async () => {
    for (const [count, dead] of [
      [20, 1],
      [20, 10],
      [9, 9],
    ] as const) {
      const rig = await healthy(count)
      failing(rig, dead)
      await rig.pass(150_000)
      assert.equal(rig.monitor.suspicion(), undefined, `${dead} of ${count}`)
      assert.equal(statuses(rig)['unhealthy'], dead)
    }
  })

  it('not when they fail one after the other', async () => {
    const rig = await healthy(20)
    for (let dead = 1; dead <= 18; dead++) {
      failing(rig, dead)
      await rig.pass(150_000)
      assert.equal(rig.monitor.suspicion(), undefined, `${dead} dead`)
    }
  })

  it('not for those that failed before', async () => {
    const rig = await healthy(40)
    failing(rig, 15)
    await rig.pass(150_000)
    assert.equal(statuses(rig)['unhealthy'], 15)
    for (const url of urls(27).slice(15)) rig.behave(url, refused)
    await rig.pass(150_000)
    assert.equal(rig.monitor.suspicion(), undefined, '12 of the 25 that were well')
    assert.equal(statuses(rig)['unhealthy'], 27)
  })

  it('no longer once they recover, and no mark is left', async () => {
    const rig = await healthy(20)
    failing(rig, 12)
    await rig.pass(60_000)
    assert.ok(rig.monitor.suspicion())
    const revisions = rig.revisions.length
    for (const url of urls(20)) rig.behave(url, well)
    await rig.pass(70_000)

    assert.equal(rig.monitor.suspicion(), undefined)
    assert.deepEqual(statuses(rig), { healthy: 20 })
    assert.ok(rig.revisions.length - revisions <= 12, 'at most those that recovered last were seen failing')
  })

  it('for a quarter of an hour at most, or until cleared; then failures count', async () => {
    const waited = await healthy(20)
    failing(waited, 12)
    await waited.pass(800_000)
    assert.ok(waited.monitor.suspicion())
    await waited.pass(200_000)
    assert.equal(waited.monitor.suspicion(), undefined)
    assert.deepEqual(statuses(waited), { healthy: 8, unhealthy: 12 })

    const cleared = await healthy(20)
    failing(cleared, 12)
    await cleared.pass(36_000)
    cleared.monitor.clearSuspicion()
    await cleared.pass(150_000)
    assert.equal(cleared.monitor.suspicion(), undefined)
    assert.deepEqual(statuses(cleared), { healthy: 8, unhealthy: 12 })
  })

  it('counting a target once, however many servers share it', async () => {
    const rig = createRig()
    rig.put(...many(12), ...many(30, (index) => ({ name: `shared${index}`, url })))
    await rig.pass(35_000)
    rig.behave(url, refused)
    await rig.pass(40_000)
    assert.equal(rig.monitor.suspicion(), undefined)
    assert.equal(statuses(rig)['degraded'], 30)
  })

  it('not at all where that is switched off', async () => {
    const rig = await healthy(20, { suspicion: { enabled: false } })
    failing(rig, 20)
    await rig.pass(150_000)
    assert.equal(rig.monitor.suspicion(), undefined)
    assert.deepEqual(statuses(rig), { unhealthy: 20 })
  })
})

describe('when time does not go as it should', () => {
  it('moves nothing when the wall clock is set', async () => {
    const rig = createRig()
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

  it('takes no failure for true that fell into a standstill', async () => {
    const rig = createRig()
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
    assert.equal(rig.server('weather').status, 'degraded', 'it is asked again soon')
  })

  it('takes no failure for true that fell into a suspend, during which the clock stood', async () => {
    const rig = createRig()
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

describe('a monitor that is stopped', () => {
  it('leaves nothing behind', async () => {
    const rig = createRig()
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
