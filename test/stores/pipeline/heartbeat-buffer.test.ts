import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lapseRecord } from '../../../src/agents/leases/lease-record.ts'
import type { Lease } from '../../../src/agents/leases/lease.ts'
import { createHeartbeatBuffer } from '../../../src/stores/pipeline/heartbeat-buffer.ts'
import { type StoredHeartbeat, StoreUnavailable } from '../../../src/stores/store.ts'

function createTestBuffer() {
  const written: StoredHeartbeat[] = []
  const dropped: number[] = []
  let failure: Error | undefined
  const buffer = createHeartbeatBuffer({
    write: async (heartbeats) => {
      if (failure) throw failure
      written.push(...heartbeats)
    },
    isUp: () => true,
    onDrop: (_, count) => void dropped.push(count),
  })
  return { buffer, written, dropped, failWith: (error: Error | undefined) => (failure = error) }
}

describe('the heartbeat buffer', () => {
  it('writes only the latest heartbeat of each agent', async () => {
    const { buffer, written } = createTestBuffer()
    buffer.add([
      { name: 'a', age_ms: 5000, timeout: 60 },
      { name: 'a', age_ms: 1000, timeout: 60, self_report: 'degraded' },
      { name: 'a', age_ms: 9000, timeout: 60 },
      { name: 'b', age_ms: 0, timeout: 60 },
    ])
    assert.equal(buffer.pending(), 2)
    await buffer.flush()

    assert.deepEqual(
      written.map(({ name, self_report }) => [name, self_report]),
      [
        ['a', 'degraded'],
        ['b', undefined],
      ],
    )
    assert.ok((written[0]?.age_ms ?? 0) >= 1000)
    assert.deepEqual([buffer.pending(), buffer.counters], [0, { written: 2, dropped: 0 }])
  })

  it('writes a lapse within 100 ms, since a daemon that dies before forgets it', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { buffer, written } = createTestBuffer()
    const lease = { id: 'a', status: 'unhealthy', terms: { timeout: 60_000, eviction: 120_000 } }
    const record = lapseRecord({ ...lease, lastHeartbeatAt: Date.now() - 60_000 } as Lease)

    buffer.add(record ? [record] : [])
    // The delay is a difference of two readings of a clock, so a fraction of a millisecond more than 100.
    t.mock.timers.tick(101)
    for (let turn = 0; turn < 1000 && buffer.counters.written === 0; turn += 1) await new Promise(setImmediate)

    assert.equal(buffer.counters.written, 1)
    assert.deepEqual(
      written.map(({ name, self_report }) => [name, self_report]),
      [['a', 'lapsed']],
    )
  })

  it('keeps heartbeats during an outage, and a newer one over a kept one', async () => {
    const { buffer, written, failWith } = createTestBuffer()
    buffer.add([{ name: 'a', age_ms: 0, timeout: 60 }])
    failWith(new StoreUnavailable('down'))
    await buffer.flush()
    assert.equal(buffer.pending(), 1)

    buffer.add([{ name: 'a', age_ms: 0, timeout: 60, self_report: 'newer' }])
    failWith(undefined)
    await buffer.flush()

    assert.deepEqual(
      written.map(({ self_report }) => self_report),
      ['newer'],
    )
  })

  it('drops and counts heartbeats that the database rejects', async () => {
    const { buffer, dropped, failWith } = createTestBuffer()
    buffer.add([{ name: 'a', age_ms: 0, timeout: 60 }])
    failWith(new Error('bad value'))
    await buffer.flush()

    assert.deepEqual(dropped, [1])
    assert.deepEqual([buffer.pending(), buffer.counters], [0, { written: 0, dropped: 1 }])
  })
})
