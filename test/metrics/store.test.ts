import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../src/log.ts'
import { storeMetrics } from '../../src/metrics/store.ts'
import { openMemory } from '../../src/stores/memory.ts'
import type { StoreState } from '../../src/stores/store.ts'
import { samplesOf } from './samples.ts'

describe('metrics of the store', () => {
  it('are 0 until it is open, and follow its state then', () => {
    let state: StoreState | undefined
    const metrics = storeMetrics(() => state)

    const beforeOpen = samplesOf(metrics)
    state = openMemory({ log: silent }).state()
    const available = samplesOf(metrics)
    state = { ...state, status: 'down', pending: { operations: 3, heartbeats: 40 } }
    const unavailable = samplesOf(metrics)

    assert.ok(beforeOpen.every((sample) => sample.endsWith(' 0')))
    assert.ok(available.includes('roster_store_up 1'))
    assert.deepEqual(unavailable.slice(0, 3), [
      'roster_store_up 0',
      'roster_store_waiting_writes 3',
      'roster_store_waiting_beats 40',
    ])
  })
})
