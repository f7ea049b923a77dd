import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../../src/log.ts'
import { createCircuitBreaker } from '../../../src/stores/pipeline/circuit-breaker.ts'
import { StoreUnavailable } from '../../../src/stores/store.ts'

describe('patience with a store', () => {
  it('knows for how long it is down whatever becomes of the clock', async ({ mock }) => {
    mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 0, 1) })
    const down = () => Promise.reject(new StoreUnavailable('gone'))
    const patience = createCircuitBreaker({ mend: down, onUp: () => {}, log: silent })
    await assert.rejects(patience.attempt(down))

    mock.timers.setTime(Date.UTC(2026, 0, 2))

    const { status, forMs } = patience.state()
    patience.close()
    assert.equal(status, 'down')
    assert.ok(forMs < 3_600_000, `${forMs} ms`)
  })
})
