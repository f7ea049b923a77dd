import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestMonitor, many, refused, urls, well } from '../create-test-monitor.ts'

const url = 'http://weather.example/mcp'

describe('self-preservation of probes', () => {
  const failing = (rig: ReturnType<typeof createTestMonitor>, count: number) => {
    for (const url of urls(count)) rig.behave(url, refused)
  }
  const statuses = (rig: ReturnType<typeof createTestMonitor>) =>
    Object.fromEntries(
      Object.entries(Object.groupBy(rig.registry.list(), ({ server }) => server.status)).map(([status, list]) => [
        status,
        list.length,
      ]),
    )
  const healthy = async (count: number, config: object = {}) => {
    const rig = createTestMonitor({ config })
    rig.put(...many(count))
    await rig.pass(35_000)
    assert.deepEqual(statuses(rig), { healthy: count })
    return rig
  }

  it('starts when 12 of 20 targets begin to fail at once: their status stays', async () => {
    const rig = await healthy(20)
    failing(rig, 12)
    await rig.pass(36_000)

    const preservation = rig.monitor.selfPreservation()
    assert.equal(preservation?.failing, 12)
    assert.equal(preservation?.of, 20)
    assert.deepEqual(statuses(rig), { healthy: 20 })
    assert.equal(rig.monitor.stats().selfPreservation, true)
    const probed = rig.monitor.probe('default/s0')
    await rig.pass(20)
    assert.deepEqual(
      { ...(await probed), checked_at: '' },
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

  it('does not start when one target fails, nor half of them, nor all of nine', async () => {
    for (const [count, dead] of [
      [20, 1],
      [20, 10],
      [9, 9],
    ] as const) {
      const rig = await healthy(count)
      failing(rig, dead)
      await rig.pass(150_000)
      assert.equal(rig.monitor.selfPreservation(), undefined, `${dead} of ${count}`)
      assert.equal(statuses(rig)['unhealthy'], dead)
    }
  })

  it('does not start when targets fail one after the other', async () => {
    const rig = await healthy(20)
    for (let dead = 1; dead <= 18; dead++) {
      failing(rig, dead)
      await rig.pass(150_000)
      assert.equal(rig.monitor.selfPreservation(), undefined, `${dead} dead`)
    }
  })

  it('does not count targets that failed earlier', async () => {
    const rig = await healthy(40)
    failing(rig, 15)
    await rig.pass(150_000)
    assert.equal(statuses(rig)['unhealthy'], 15)
    for (const url of urls(27).slice(15)) rig.behave(url, refused)
    await rig.pass(150_000)
    assert.equal(rig.monitor.selfPreservation(), undefined, '12 of the 25 that were healthy')
    assert.equal(statuses(rig)['unhealthy'], 27)
  })

  it('ends once the targets recover, and leaves no trace', async () => {
    const rig = await healthy(20)
    failing(rig, 12)
    await rig.pass(60_000)
    assert.ok(rig.monitor.selfPreservation())
    const revisions = rig.revisions.length
    for (const url of urls(20)) rig.behave(url, well)
    await rig.pass(70_000)

    assert.equal(rig.monitor.selfPreservation(), undefined)
    assert.deepEqual(statuses(rig), { healthy: 20 })
    assert.equal(rig.revisions.length, revisions, 'none is shown as failing on the way')
  })

  it('ends when half have recovered: the others are probed again soon, and only what fails then counts', async () => {
    const rig = await healthy(40)
    failing(rig, 40)
    await rig.pass(100_000)
    assert.ok(rig.monitor.selfPreservation())
    for (const url of urls(40).slice(5)) rig.behave(url, well)
    for (let waited = 0; rig.monitor.selfPreservation() && waited < 120; waited += 1) await rig.pass(1000)
    assert.deepEqual(statuses(rig), { healthy: 40 }, 'nothing is known of the others yet')
    await rig.pass(6000)

    assert.deepEqual(statuses(rig), { healthy: 35, unhealthy: 5 })
  })

  it('ends after 15 minutes or when ended by hand; then failures count', async () => {
    const waited = await healthy(20)
    failing(waited, 12)
    await waited.pass(800_000)
    assert.ok(waited.monitor.selfPreservation())
    await waited.pass(200_000)
    assert.equal(waited.monitor.selfPreservation(), undefined)
    assert.deepEqual(statuses(waited), { healthy: 8, unhealthy: 12 })

    const cleared = await healthy(20)
    failing(cleared, 12)
    await cleared.pass(36_000)
    cleared.monitor.endSelfPreservation()
    await cleared.pass(150_000)
    assert.equal(cleared.monitor.selfPreservation(), undefined)
    assert.deepEqual(statuses(cleared), { healthy: 8, unhealthy: 12 })
  })

  it('counts a target once, however many servers share it', async () => {
    const rig = createTestMonitor()
    rig.put(...many(12), ...many(30, (index) => ({ name: `shared${index}`, url })))
    await rig.pass(35_000)
    rig.behave(url, refused)
    await rig.pass(40_000)
    assert.equal(rig.monitor.selfPreservation(), undefined)
    assert.equal(statuses(rig)['degraded'], 30)
  })

  it('does not start where it is switched off', async () => {
    const rig = await healthy(20, { self_preservation: { enabled: false } })
    failing(rig, 20)
    await rig.pass(150_000)
    assert.equal(rig.monitor.selfPreservation(), undefined)
    assert.deepEqual(statuses(rig), { unhealthy: 20 })
  })
})
