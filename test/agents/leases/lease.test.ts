import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leaseStatus, nextTransition, reportOf } from '../../../src/agents/leases/lease.ts'

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

  it('lease status is never forgotten before it is offline, however short the retention', () => {
    const lease = { hasHeartbeat: true, selfReportedStatus: 'healthy', terms } as const
    assert.equal(leaseStatus(lease, 60_000, 1000), 'unhealthy')
    assert.equal(leaseStatus(lease, 120_000, 1000), 'forgotten')
  })

  it('lease status changes next at the silence that nextTransition returns', () => {
    for (const hasHeartbeat of [true, false]) {
      const lease = { hasHeartbeat, selfReportedStatus: 'healthy', terms } as const
      let status = leaseStatus(lease, 0, 3_600_000)
      while (status !== 'forgotten') {
        const silentMs = nextTransition(status, terms, 3_600_000)
        assert.equal(leaseStatus(lease, silentMs - 1, 3_600_000), status)
        status = leaseStatus(lease, silentMs, 3_600_000)
      }
    }
  })

  it('lease status is reported with a reason once it has expired', () => {
    assert.deepEqual(reportOf('healthy'), { status: 'healthy' })
    assert.deepEqual(reportOf('pending'), { status: 'pending' })
    assert.deepEqual(reportOf('unhealthy'), { status: 'unhealthy', reason: 'lease_lapsed' })
    assert.deepEqual(reportOf('offline'), { status: 'offline', reason: 'lease_lapsed' })
  })
})
