import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  downtimeMs,
  heartbeatRecord,
  historyOf,
  lapseRecord,
  selfReportIn,
} from '../../../src/agents/leases/lease-record.ts'
import { testAgent } from '../fixtures.ts'

const lease = { timeout: 60, eviction: 120 }
const leaseOf = () => lease

describe('lease record', () => {
  it('lease record keeps what an agent reports of itself; healthy is not stored', () => {
    assert.deepEqual(heartbeatRecord('a', 60), { name: 'a', age_ms: 0, timeout: 60 })
    for (const status of ['healthy', 'degraded', 'unhealthy', 'offline'] as const)
      assert.equal(selfReportIn(heartbeatRecord('a', 60, status)), status)
    assert.equal(selfReportIn({ self_report: 'unknown word' }), 'healthy')
  })

  it('lease record of a lapse is no heartbeat to other replicas, and moves the last one by little', () => {
    for (const status of ['unhealthy', 'offline'] as const) {
      const lastHeartbeatAt = Date.now() - 60_000
      const record = lapseRecord(testAgent('a', {}, { lease: { status, lastHeartbeatAt } }).lease)
      assert.ok(record)
      assert.equal(selfReportIn(record), undefined)
      const movedMs = Date.now() - record.age_ms - lastHeartbeatAt
      assert.ok(movedMs >= 250 && movedMs < 2000, `${movedMs}`)
    }
    const { lease: silent } = testAgent('a', {}, { lease: { status: 'offline', lastHeartbeatAt: undefined } })
    assert.equal(lapseRecord(silent), undefined)
  })

  it('lease record shows how long no daemon ran: since the last heartbeat or recorded lapse', () => {
    const heartbeats = [
      { name: 'a', age_ms: 500_000 },
      { name: 'b', age_ms: 490_000, self_report: 'lapsed' },
      { name: 'c', age_ms: 510_000, self_report: 'evicted' },
    ]

    assert.equal(downtimeMs(heartbeats, leaseOf), 390_000)
    assert.equal(downtimeMs(heartbeats.slice(0, 2), leaseOf), 430_000)
    assert.equal(downtimeMs(heartbeats.slice(0, 1), leaseOf), 500_000)
    assert.equal(downtimeMs([], leaseOf), Infinity)
  })

  it('lease record gives a lease that ran a full interval, and leaves a lapsed one lapsed', () => {
    const silent = (age_ms: number, self_report?: string) =>
      historyOf({ name: 'a', age_ms, ...(self_report !== undefined && { self_report }) }, lease, 600_000).silentMs

    assert.deepEqual([silent(600_000), silent(659_000), silent(660_000)], [0, 0, 60_000])
    assert.deepEqual([silent(610_000, 'lapsed'), silent(610_000, 'evicted')], [60_000, 120_000])
    assert.deepEqual(historyOf(undefined, lease, 0), { hasHeartbeat: false, silentMs: 0 })
  })
})
