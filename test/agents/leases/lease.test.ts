import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leaseStatus, nextTransition, reportOf, runsAfter } from '../../../src/agents/leases/lease.ts'

const terms = { timeout: 60_000, eviction: 120_000 }

describe('lease status', () => {
  it('lease status follows the silence of an agent', () => {
    const cases = [
      [0, true, 'healthy'],
      [59_999, true, 'healthy'],
      [60_000, true, 'unhealthy'],
      [119_999, true, 'unhealthy'],
      [120_000, true, 'offline'],
      [119_999, false, 'pending'],
      [120_000, false, 'offline'],
      [3_600_000, true, 'forgotten'],
    ] as const
    for (const [silentMs, hasHeartbeat, expected] of cases) {
      const lease = { hasHeartbeat, selfReportedStatus: 'healthy', terms } as const
      assert.equal(leaseStatus(lease, silentMs, 3_600_000), expected, `${silentMs} ${hasHeartbeat}`)
    }
  })

  it('lease status is what a living agent reports of itself', () => {
    const lease = { hasHeartbeat: true, selfReportedStatus: 'degraded', terms } as const
    assert.equal(leaseStatus(lease, 0, 3_600_000), 'degraded')
    assert.equal(leaseStatus(lease, 60_000, 3_600_000), 'unhealthy')
  })

  it('lease status of an agent that calls itself offline stays so, while it lives and after', () => {
    const lease = { hasHeartbeat: true, selfReportedStatus: 'offline', terms } as const
    for (const silentMs of [0, 60_000, 120_000]) assert.equal(leaseStatus(lease, silentMs, 3_600_000), 'offline')
    assert.deepEqual(
      [0, 59_999, 60_000].map((silentMs) => runsAfter(lease, silentMs)),
      [true, true, false],
    )
    assert.equal(nextTransition({ status: 'offline', isRunning: true, terms }, 3_600_000), 60_000)
    assert.equal(leaseStatus(lease, 3_600_000, 3_600_000), 'forgotten')
  })

  it('lease status is never forgotten before it is offline, however short the retention', () => {
    const lease = { hasHeartbeat: true, selfReportedStatus: 'healthy', terms } as const
    assert.equal(leaseStatus(lease, 60_000, 1000), 'unhealthy')
    assert.equal(leaseStatus(lease, 120_000, 1000), 'forgotten')
  })

  it('lease status changes next at the silence that nextTransition returns', () => {
    for (const hasHeartbeat of [true, false]) {
      const lease = { hasHeartbeat, selfReportedStatus: 'healthy', terms } as const
      let status = leaseStatus(lease, 0, 3_600_000)
      let isRunning = hasHeartbeat
      while (status !== 'forgotten') {
        const silentMs = nextTransition({ status, isRunning, terms }, 3_600_000)
        assert.equal(leaseStatus(lease, silentMs - 1, 3_600_000), status)
        status = leaseStatus(lease, silentMs, 3_600_000)
        isRunning = runsAfter(lease, silentMs)
      }
    }
  })

  it('lease status is reported with a reason once it has expired', () => {
    assert.deepEqual(reportOf({ status: 'healthy', isRunning: true }), { status: 'healthy' })
    assert.deepEqual(reportOf({ status: 'pending', isRunning: false }), { status: 'pending' })
    for (const status of ['unhealthy', 'offline'] as const) {
      assert.deepEqual(reportOf({ status, isRunning: false }), { status, reason: 'lease_lapsed' })
      assert.deepEqual(reportOf({ status, isRunning: true }), { status }, 'as it says itself')
    }
  })
})
