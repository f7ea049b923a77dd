import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { ChangeBatch } from '../../../src/stores/driver.ts'
import { followChanges } from '../../../src/stores/pipeline/change-follower.ts'
import type { StoreChange, StoreSnapshot } from '../../../src/stores/store.ts'

/** Follows a database that returns the next of `batches` at each read, and repeats the last one. */
function startFollower(batches: readonly (readonly StoreChange[])[], load?: () => Promise<StoreSnapshot>) {
  let outages = 0
  const stop = new AbortController()
  let reads = 0
  let wake = () => {}
  const changes = followChanges({
    since: '0',
    signal: stop.signal,
    readChanges: async (cursor): Promise<ChangeBatch> => {
      const batch = batches[Math.min(reads, batches.length - 1)] ?? []
      reads += 1
      return { compacted: false, cursor, changes: batch }
    },
    load: load ?? (() => assert.fail('no change was compacted')),
    outages: () => outages,
    periodMs: () => undefined,
    onWake: (wakeFollower) => {
      wake = wakeFollower
      return () => {}
    },
    onError: (error) => assert.fail(String(error)),
  })
  return {
    changes,
    reads: () => reads,
    wake: () => wake(),
    recover: () => {
      outages += 1
      wake()
    },
    stop: () => stop.abort(),
  }
}

const heartbeats: StoreChange = { type: 'heartbeats', heartbeats: [{ name: 'a', age_ms: 5 }] }
const deleted: StoreChange = { type: 'deleted', kind: 'agent', namespace: 'default', name: 'a', resource_version: '1' }

/** More turns of the event loop than a follower needs that does not wait. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate()
}

describe('the follower of changes', () => {
  it('waits for the next wake-up after a batch of heartbeats only, since they are read repeatedly', async () => {
    const { changes, reads, wake, stop } = startFollower([[heartbeats]])
    assert.deepEqual((await changes.next()).value, [heartbeats])

    const next = changes.next()
    await turns()
    assert.equal(reads(), 1)
    wake()

    assert.deepEqual((await next).value, [heartbeats])
    assert.equal(reads(), 2)
    stop()
    assert.equal((await changes.next()).done, true)
  })

  it('reads everything again after an outage, since what happened meanwhile may be missing in the changes', async () => {
    const snapshot = { epoch: 'e', resource_version: '7', registrations: [], heartbeats: [] }
    const { changes, reads, recover, stop } = startFollower([[deleted], []], async () => snapshot)
    await changes.next()
    const next = changes.next()
    await turns()

    recover()

    assert.deepEqual((await next).value, [{ type: 'snapshot', snapshot }])
    const end = changes.next()
    await turns()
    assert.equal(reads(), 4)
    stop()
    assert.equal((await end).done, true)
  })

  it('reads again at once after a write, since another page may follow', async () => {
    const { changes, reads, stop } = startFollower([[deleted], [deleted, heartbeats], []])
    await changes.next()
    await changes.next()

    const end = changes.next()
    await turns()
    assert.equal(reads(), 3)
    stop()
    assert.equal((await end).done, true)
  })
})
