import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Capability } from '../../src/model/capability.ts'
import { createRig, many, refused, urls, well } from './rig.ts'

const url = 'http://weather.example/mcp'

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

  it('gets its whole deadline, though it joins a probe that a crowd leaves less', async () => {
    const rig = createRig({ config: { max_concurrency: 2 } })
    for (const one of urls(100)) rig.behave(one, { needsMs: 2000 })
    rig.put(...many(100))
    await rig.pass(4500)
    const hurried = rig.started.slice(-rig.inFlight()).find(({ url }) => rig.startsOf(url).length === 1)

    const { hostname } = new URL(hurried?.url ?? assert.fail())
    const asked = rig.monitor.check(`default/${hostname.replace('.example', '')}`)
    await rig.pass(10_000)

    assert.equal((await asked)?.reason, 'ok')
  })

  it('is of the target that the server has when it is answered', async () => {
    const rig = createRig()
    rig.behave(url, { ...refused, takesMs: 2000 })
    rig.put({})
    const asked = rig.monitor.check('default/weather')
    await rig.pass(100)

    rig.put({ url: 'http://other.example/mcp' })
    await rig.pass(5000)

    assert.equal((await asked)?.reason, 'ok')
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
