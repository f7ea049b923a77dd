import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HealthConfig } from '../../src/health/config.ts'
import { createTestMonitor, many, refused, urls } from './create-test-monitor.ts'

const url = 'http://weather.example/mcp'
const config = (fields: object) => HealthConfig.parse(fields)

describe('monitor reload', () => {
  it('that disables probes ignores the outcome of a probe in flight', async () => {
    const rig = createTestMonitor()
    rig.behave(url, { takesMs: 2000 })
    rig.put({})
    await rig.pass(1500)
    assert.equal(rig.inFlight(), 1)

    rig.monitor.reconfigure(config({ enabled: false }))
    await rig.pass(5000)

    assert.equal(rig.server('weather').status, 'unknown')
  })

  it('that disables probes still answers a requested probe', async () => {
    const rig = createTestMonitor()
    rig.behave(url, { takesMs: 2000 })
    rig.put({})
    const asked = rig.monitor.probe('default/weather')
    await rig.pass(100)

    rig.monitor.reconfigure(config({ enabled: false }))
    await rig.pass(5000)

    assert.notEqual(await asked, undefined)
    assert.equal(rig.server('weather').status, 'unknown')
  })

  it('is not needed to know that nothing is probed: servers are unknown from their first revision', async () => {
    const rig = createTestMonitor({ config: { enabled: false } })
    rig.put(...many(300))
    assert.equal(rig.server('s0').status, 'unknown')
    await rig.pass(10_000)

    assert.deepEqual(rig.revisions, [1])
    rig.monitor.reconfigure(config({}))
    await rig.pass(60_000)
    assert.equal(rig.server('s0').status, 'healthy')
  })

  it('that disables probes ends self-preservation and publishes nothing later', async () => {
    const rig = await preserving()

    rig.monitor.reconfigure(config({ enabled: false }))
    await rig.pass(3_600_000)

    assert.deepEqual(new Set(rig.registry.list().map(({ server }) => server.status)), new Set(['unknown']))
    assert.equal(rig.monitor.selfPreservation(), undefined)
  })

  it('changes the duration of an active self-preservation', async () => {
    const rig = await preserving()

    rig.monitor.reconfigure(config({ self_preservation: { max_duration: 120 } }))
    const { since, until } = rig.monitor.selfPreservation() ?? assert.fail()
    assert.equal(Date.parse(until) - Date.parse(since), 120_000)
    await rig.pass(120_000)

    assert.equal(rig.monitor.selfPreservation(), undefined)
  })

  it('with a higher per-host limit starts the probes that waited for their host', async () => {
    const rig = createTestMonitor({ config: { max_concurrency_per_host: 1 } })
    const paths = Array.from({ length: 6 }, (_, index) => `http://one.example/${index}`)
    for (const path of paths) rig.behave(path, { never: true })
    rig.put(...paths.map((path, index) => ({ name: `s${index}`, url: path })))
    await rig.pass(1500)
    assert.equal(rig.inFlight(), 1)

    rig.monitor.reconfigure(config({ max_concurrency_per_host: 6 }))
    await rig.pass(1)

    assert.equal(rig.inFlight(), 6)
  })
})

/** A monitor in self-preservation: all its targets failed at once. */
async function preserving() {
  const rig = createTestMonitor()
  rig.put(...many(20))
  await rig.pass(60_000)
  for (const one of urls(20)) rig.behave(one, refused)
  await rig.pass(40_000)
  assert.ok(rig.monitor.selfPreservation())
  return rig
}
