import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRig, many, refused, urls, well } from './rig.ts'

const url = 'http://weather.example/mcp'

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
    const rig = await healthy(20, { self_preservation: { enabled: false } })
    failing(rig, 20)
    await rig.pass(150_000)
    assert.equal(rig.monitor.suspicion(), undefined)
    assert.deepEqual(statuses(rig), { unhealthy: 20 })
  })
})
