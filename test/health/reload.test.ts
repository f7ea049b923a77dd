import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HealthConfig } from '../../src/health/config.ts'
import { createRig, many, refused, urls } from './rig.ts'

const url = 'http://weather.example/mcp'
const config = (fields: object) => HealthConfig.parse(fields)

describe('a reload', () => {
  it('that switches checks off leaves no verdict of a probe that was under way', async () => {
    const rig = createRig()
    rig.behave(url, { takesMs: 2000 })
    rig.put({})
    await rig.pass(1500)
    assert.equal(rig.inFlight(), 1)

    rig.monitor.reconfigure(config({ enabled: false }))
    await rig.pass(5000)

    assert.equal(rig.server('weather').status, 'unknown')
  })

  it('that switches checks off answers who asked for one', async () => {
    const rig = createRig()
    rig.behave(url, { takesMs: 2000 })
    rig.put({})
    const asked = rig.monitor.check('default/weather')
    await rig.pass(100)

    rig.monitor.reconfigure(config({ enabled: false }))
    await rig.pass(5000)

    assert.notEqual(await asked, undefined)
    assert.equal(rig.server('weather').status, 'unknown')
  })

  it('that switches checks off ends a suspicion, which shows nothing later', async () => {
    const rig = await suspecting()

    rig.monitor.reconfigure(config({ enabled: false }))
    await rig.pass(3_600_000)

    assert.deepEqual(new Set(rig.registry.list().map(({ server }) => server.status)), new Set(['unknown']))
    assert.equal(rig.monitor.suspicion(), undefined)
  })

  it('changes how long a suspicion lasts that has begun', async () => {
    const rig = await suspecting()

    rig.monitor.reconfigure(config({ self_preservation: { max_duration: 120 } }))
    const { since, until } = rig.monitor.suspicion() ?? assert.fail()
    assert.equal(Date.parse(until) - Date.parse(since), 120_000)
    await rig.pass(120_000)

    assert.equal(rig.monitor.suspicion(), undefined)
  })

  it('that lets more probes go to one host lets those go that waited for it', async () => {
    const rig = createRig({ config: { max_concurrency_per_host: 1 } })
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

/** A monitor all of whose targets fail at once, so that it suspects itself. */
async function suspecting() {
  const rig = createRig()
  rig.put(...many(20))
  await rig.pass(60_000)
  for (const one of urls(20)) rig.behave(one, refused)
  await rig.pass(40_000)
  assert.ok(rig.monitor.suspicion())
  return rig
}
