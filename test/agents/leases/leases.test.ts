import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLeaseClock } from '../../../src/agents/leases/lease-clock.ts'
import { createLeases } from '../../../src/agents/leases/leases.ts'

const terms = { timeout: 60_000, eviction: 120_000 }
const rules = { enabled: true, minSubjects: 10, ratio: 0.5, maxMs: 900_000 }

function world(rulesOf = rules, deaf = () => false) {
  let now = 0
  const leases = createLeases({
    clock: { now: () => now },
    rules: () => rulesOf,
    retentionMs: 3_600_000,
    wall: () => now,
    isPartitioned: deaf,
  })
  const after = (seconds: number) => {
    now += seconds * 1000
    return leases.applyExpirations().map(({ lease, status }) => `${lease.id} ${status}`)
  }
  return { leases, after, retain: (seconds: number) => leases.setRetention(seconds * 1000) }
}

describe('leases', () => {
  it('go from pending by a heartbeat to healthy, and by silence to unhealthy, offline and forgotten', () => {
    const { leases, after } = world()
    const lease = leases.open('a', terms, { hasHeartbeat: false })
    assert.equal(lease.status, 'pending')
    assert.deepEqual(leases.recordHeartbeat('a')?.changed, true)

    assert.deepEqual(after(59.999), [])
    assert.deepEqual(after(0.001), ['a unhealthy'])
    assert.deepEqual(after(59.999), [])
    assert.deepEqual(after(0.001), ['a offline'])
    assert.deepEqual(after(3480), ['a forgotten'])
    assert.equal(leases.size(), 0)
    assert.equal(leases.recordHeartbeat('a'), undefined)
  })

  it('are kept as long as the config says by then, whatever it said when they began', () => {
    const { leases, after, retain } = world()
    for (const id of ['offline', 'healthy']) leases.open(id, terms, { hasHeartbeat: true })
    after(100)
    leases.recordHeartbeat('healthy')
    assert.deepEqual(after(20), ['offline offline'])

    retain(600)
    assert.deepEqual(after(479.9), ['healthy offline'])
    assert.deepEqual(after(0.1), ['offline forgotten'])
    retain(900)
    assert.deepEqual(after(399.9), [])
    assert.deepEqual(after(0.1), ['healthy forgotten'])
  })

  it('come back with the next heartbeat', () => {
    const { leases, after } = world()
    leases.open('a', terms, { hasHeartbeat: true })
    after(200)
    assert.equal(leases.get('a')?.status, 'offline')
    assert.equal(leases.recordHeartbeat('a')?.changed, true)
    assert.equal(leases.get('a')?.status, 'healthy')
    assert.deepEqual(after(59), [])
  })

  it('keep what the agent called itself until the next heartbeat says otherwise', () => {
    const { leases } = world()
    leases.open('a', terms, { hasHeartbeat: true })
    leases.recordHeartbeat('a', 'degraded')
    assert.equal(leases.get('a')?.status, 'degraded')
    assert.equal(leases.recordHeartbeat('a', 'degraded')?.changed, false)
    leases.recordHeartbeat('a')
    assert.equal(leases.get('a')?.status, 'healthy')
  })

  it('lapse on time even when their terms get shorter', () => {
    const { leases, after } = world()
    leases.open('a', terms, { hasHeartbeat: true })
    leases.open('a', { ...terms, timeout: 1000, eviction: 5000 }, { hasHeartbeat: true })
    assert.deepEqual(after(1), ['a unhealthy'])
  })

  it('do not lapse when most of them would at once, and say so', () => {
    const { leases, after } = world()
    for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })

    assert.deepEqual(after(61), [])
    assert.deepEqual(leases.selfPreservation(), { since: 61_000, until: 961_000, failing: 20, of: 20 })
    assert.equal(leases.get('a7')?.status, 'healthy')
  })

  it('end their preservation when half are heard again, and then the dead lapse', () => {
    const { leases, after } = world()
    for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
    after(61)

    for (let id = 0; id < 15; id += 1) leases.recordHeartbeat(`a${id}`)

    assert.deepEqual(after(1).length, 5)
    assert.equal(leases.selfPreservation(), undefined)
  })

  it('end their preservation after its time, or when somebody releases them', () => {
    for (const end of ['time', 'release']) {
      const { leases, after } = world()
      for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
      after(61)
      if (end === 'release') leases.endSelfPreservation()
      assert.equal(after(end === 'time' ? 900 : 0).length, 20, end)
    }
  })

  it('end their preservation as soon as half are heard again, whoever was dead before', () => {
    const { leases, after } = world()
    for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
    for (let id = 0; id < 10; id += 1) leases.open(`dead${id}`, terms, { hasHeartbeat: true, silentMs: 60_000 })
    after(61)

    for (let id = 0; id < 20; id += 1) leases.recordHeartbeat(`a${id}`)

    assert.equal(after(1).length, 10)
    assert.equal(leases.selfPreservation(), undefined)
  })

  it('are preserved a second time where everybody was heard again after the first', () => {
    const { leases, after } = world()
    for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
    after(61)
    for (let id = 0; id < 20; id += 1) leases.recordHeartbeat(`a${id}`)
    assert.deepEqual(after(1), [])

    assert.deepEqual(after(60), [])
    assert.equal(leases.selfPreservation()?.failing, 20)
  })

  it('lapse one by one, and few at once, without suspicion', () => {
    const { leases, after } = world()
    for (let id = 0; id < 9; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
    assert.equal(after(61).length, 9)
  })

  it('have a full interval more after a grace; who was lapsed already stays so', () => {
    const { leases, after } = world()
    leases.open('dead', terms, { hasHeartbeat: true, silentMs: 70_000 })
    leases.open('alive', terms, { hasHeartbeat: true, silentMs: 59_000 })
    leases.extendAll()
    assert.deepEqual(after(59), ['dead offline'])
    assert.deepEqual(after(1), ['alive unhealthy'])
  })

  it('ignore a heartbeat that another replica heard before one we know', () => {
    const { leases, after } = world()
    leases.open('a', terms, { hasHeartbeat: true })
    after(30)
    leases.recordHeartbeat('a', 'healthy', 40_000)
    assert.deepEqual(after(29), [])
    assert.deepEqual(after(1), ['a unhealthy'])
  })

  it('that lapsed do not come back with a heartbeat that is told again, measured a little later', () => {
    const { leases, after } = world()
    leases.open('a', terms, { hasHeartbeat: true })
    assert.deepEqual(after(60), ['a unhealthy'])
    assert.equal(leases.recordHeartbeat('a', 'healthy', 59_980)?.changed, false)
    assert.deepEqual(after(60), ['a offline'])

    assert.equal(leases.recordHeartbeat('a', 'healthy', 5000)?.changed, true)
    assert.equal(leases.recordHeartbeat('a', 'degraded', 4990)?.changed, true)
    assert.deepEqual(after(54), [])
    assert.deepEqual(after(1.01), ['a unhealthy'])
  })
})

describe('leases while other replicas cannot be heard', () => {
  it('lapse of who beats here; who beat elsewhere too has a full interval from when they can be heard', () => {
    let deaf = true
    const { leases, after } = world(rules, () => deaf)
    for (const id of ['here', 'there']) leases.open(id, terms, { hasHeartbeat: true })
    after(10)
    leases.recordHeartbeat('here')
    leases.recordHeartbeat('there', 'healthy', 1000)
    leases.recordHeartbeat('there')

    assert.deepEqual(after(60), ['here unhealthy'])
    assert.deepEqual(after(60), ['here offline'])
    assert.equal(leases.get('there')?.status, 'healthy')
    deaf = false
    assert.deepEqual(after(59.9), [])
    assert.deepEqual(after(0.1), ['there unhealthy'])
  })
})

describe('the lease clock', () => {
  function clockWorld() {
    let monotonic = 0
    let asleep = 0
    const graces: number[] = []
    const clock = createLeaseClock({
      monotonic: () => monotonic,
      booted: () => monotonic + asleep,
      onGrace: (gap) => graces.push(gap),
    })
    return {
      clock,
      graces,
      run: (ms: number) => {
        for (let passed = 0; passed < ms; passed += 500) {
          monotonic += 500
          clock.tick()
        }
      },
      stop: (ms: number) => (monotonic += ms),
      sleep: (ms: number) => (asleep += ms),
    }
  }

  it('runs as long as the process does', () => {
    const { clock, run, graces } = clockWorld()
    run(60_000)
    assert.equal(clock.now(), 60_000)
    assert.deepEqual(graces, [])
  })

  it('stands still while the event loop is held up', () => {
    const { clock, run, stop, graces } = clockWorld()
    run(10_000)
    stop(4000)
    assert.equal(clock.now(), 10_500)
    assert.deepEqual(graces, [])
  })

  it('gives grace after a long stop of the process', () => {
    const { clock, run, stop, graces } = clockWorld()
    run(10_000)
    stop(600_000)
    clock.tick()
    assert.deepEqual(graces, [599_500])
  })

  it('gives grace after the machine slept', () => {
    const { run, sleep, graces } = clockWorld()
    run(10_000)
    sleep(3_600_000)
    run(500)
    assert.deepEqual(graces, [3_600_000])
  })
})
