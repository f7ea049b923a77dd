import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { createCircuitBreaker } from '../../../src/stores/pipeline/circuit-breaker.ts'
import { StoreUnavailable } from '../../../src/stores/store.ts'

describe('the circuit breaker of a store', () => {
  it('measures the outage by a monotonic clock', async ({ mock }) => {
    mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) })
    const down = () => Promise.reject(new StoreUnavailable('gone'))
    const breaker = createCircuitBreaker({ recover: down, onUp: () => {}, log: silent })
    await assert.rejects(breaker.attempt(down))

    mock.timers.setTime(Date.UTC(2026, 0, 2))

    const { status, forMs } = breaker.state()
    breaker.close()
    assert.equal(status, 'down')
    assert.ok(forMs < 3_600_000, `${forMs} ms`)
  })
})
