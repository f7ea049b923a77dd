import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTestLeases } from '../fixtures.ts'

const terms = { timeout: 60_000, eviction: 120_000 }
function createRun(options: Parameters<typeof createTestLeases>[0] = {}) {
  const { leases, advance } = createTestLeases(options)
  const after = (seconds: number) => {
    advance(seconds)
    return leases.applyExpirations().map(({ lease, status }) => `${lease.id} ${status}`)
  }
  return { leases, after, setRetention: (seconds: number) => leases.setRetention(seconds * 1000) }
}

describe('leases', () => {
  it('lease becomes healthy by a heartbeat, and by silence unhealthy, offline and forgotten', () => {
    const { leases, after } = createRun()
    const lease = leases.open('a', terms, { hasHeartbeat: false })
    assert.equal(lease.status, 'pending')
    assert.deepEqual(leases.recordHeartbeat('a')?.changed, true)

    assert.deepEqual(after(59.999), [])
    assert.deepEqual(after(0.001), ['a unhealthy'])
    assert.deepEqual(after(59.999), [])
    assert.deepEqual(after(0.001), ['a offline'])
    assert.deepEqual(after(3480), ['a forgotten'])
    assert.equal(leases.get('a')?.status, 'offline')
    assert.deepEqual(after(29.9), [])
    assert.deepEqual(after(0.1), ['a forgotten'], 'until the store has retired it')
    assert.equal(leases.recordHeartbeat('a')?.changed, true)
    assert.deepEqual(after(59), [])
  })

  it('a changed retention applies to leases that are open already', () => {
    const { leases, after, setRetention } = createRun()
    for (const id of ['offline', 'healthy']) leases.open(id, terms, { hasHeartbeat: true })
    after(100)
    leases.recordHeartbeat('healthy')
    assert.deepEqual(after(20), ['offline offline'])

    setRetention(600)
    assert.deepEqual(after(479.9), ['healthy offline'])
    assert.deepEqual(after(0.1), ['offline forgotten'])
    leases.close('offline')
    setRetention(900)
    assert.deepEqual(after(399.9), [])
    assert.deepEqual(after(0.1), ['healthy forgotten'])
  })

  it('offline lease becomes healthy with the next heartbeat', () => {
    const { leases, after } = createRun()
    leases.open('a', terms, { hasHeartbeat: true })
    after(200)
    assert.equal(leases.get('a')?.status, 'offline')
    assert.equal(leases.recordHeartbeat('a')?.changed, true)
    assert.equal(leases.get('a')?.status, 'healthy')
    assert.deepEqual(after(59), [])
  })

  it('lease keeps the self-reported status until the next heartbeat', () => {
    const { leases } = createRun()
    leases.open('a', terms, { hasHeartbeat: true })
    leases.recordHeartbeat('a', 'degraded')
    assert.equal(leases.get('a')?.status, 'degraded')
    assert.equal(leases.recordHeartbeat('a', 'degraded')?.changed, false)
    leases.recordHeartbeat('a')
    assert.equal(leases.get('a')?.status, 'healthy')
  })

  it('lease expires on time after its terms were shortened', () => {
    const { leases, after } = createRun()
    leases.open('a', terms, { hasHeartbeat: true })
    leases.open('a', { ...terms, timeout: 1000, eviction: 5000 }, { hasHeartbeat: true })
    assert.deepEqual(after(1), ['a unhealthy'])
  })

  it('self-preservation begins when most leases would expire at once, and is reported', () => {
    const reports: unknown[] = []
    const { leases, after } = createRun({ onSelfPreservation: (state) => reports.push(state?.failing) })
    for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })

    assert.deepEqual(after(61), [])
    assert.deepEqual(leases.selfPreservation(), { since: 61_000, until: 961_000, failing: 20, of: 20 })
    assert.equal(leases.get('a7')?.status, 'healthy')
    after(1)
    leases.endSelfPreservation()
    leases.endSelfPreservation()
    assert.deepEqual(reports, [20, undefined])
  })

  it('self-preservation ends when half of the leases are renewed, and then the silent ones expire', () => {
    const { leases, after } = createRun()
    for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
    after(61)

    for (let id = 0; id < 15; id += 1) leases.recordHeartbeat(`a${id}`)

    assert.deepEqual(after(1).length, 5)
    assert.equal(leases.selfPreservation(), undefined)
  })

  it('self-preservation ends after its maximum duration, and on request', () => {
    for (const end of ['time', 'release']) {
      const { leases, after } = createRun()
      for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
      after(61)
      if (end === 'release') leases.endSelfPreservation()
      assert.equal(after(end === 'time' ? 900 : 0).length, 20, end)
    }
  })

  it('self-preservation ends when half are renewed, regardless of leases that had expired before', () => {
    const { leases, after } = createRun()
    for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
    for (let id = 0; id < 10; id += 1) leases.open(`dead${id}`, terms, { hasHeartbeat: true, silentMs: 60_000 })
    after(61)

    for (let id = 0; id < 20; id += 1) leases.recordHeartbeat(`a${id}`)

    assert.equal(after(1).length, 10)
    assert.equal(leases.selfPreservation(), undefined)
  })

  it('self-preservation begins a second time after all leases were renewed', () => {
    const { leases, after } = createRun()
    for (let id = 0; id < 20; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
    after(61)
    for (let id = 0; id < 20; id += 1) leases.recordHeartbeat(`a${id}`)
    assert.deepEqual(after(1), [])

    assert.deepEqual(after(60), [])
    assert.equal(leases.selfPreservation()?.failing, 20)
  })

  it('few leases expire at once without self-preservation', () => {
    const { leases, after } = createRun()
    for (let id = 0; id < 9; id += 1) leases.open(`a${id}`, terms, { hasHeartbeat: true })
    assert.equal(after(61).length, 9)
  })

  it('extension gives living leases a full interval and leaves expired ones', () => {
    const { leases, after } = createRun()
    leases.open('dead', terms, { hasHeartbeat: true, silentMs: 70_000 })
    leases.open('alive', terms, { hasHeartbeat: true, silentMs: 59_000 })
    leases.extendAll()
    assert.deepEqual(after(59), ['dead offline'])
    assert.deepEqual(after(1), ['alive unhealthy'])
  })

  it('lease ignores a heartbeat of another replica that is older than its own', () => {
    const { leases, after } = createRun()
    leases.open('a', terms, { hasHeartbeat: true })
    after(30)
    leases.recordHeartbeat('a', 'healthy', 40_000)
    assert.deepEqual(after(29), [])
    assert.deepEqual(after(1), ['a unhealthy'])
  })

  it('expired lease ignores the same heartbeat reported again with a slightly different age', () => {
    const { leases, after } = createRun()
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

describe('leases during a partition', () => {
  it('local leases expire during a partition; those seen by replicas get a full interval after it', () => {
    let isPartitioned = true
    const { leases, after } = createRun({ isPartitioned: () => isPartitioned })
    for (const id of ['here', 'there']) leases.open(id, terms, { hasHeartbeat: true })
    after(10)
    leases.recordHeartbeat('here')
    leases.recordHeartbeat('there', 'healthy', 1000)
    leases.recordHeartbeat('there')

    assert.deepEqual(after(60), ['here unhealthy'])
    assert.deepEqual(after(60), ['here offline'])
    assert.equal(leases.get('there')?.status, 'healthy')
    isPartitioned = false
    assert.deepEqual(after(59.9), [])
    assert.deepEqual(after(0.1), ['there unhealthy'])
  })
})
