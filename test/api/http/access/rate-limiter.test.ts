import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRateLimiter } from '../../../../src/api/http/access/rate-limiter.ts'

describe('a rate limit', () => {
  it('spreads the requests of each client evenly over time', () => {
    let now = 0
    const wait = createRateLimiter({ now: () => now })
    const rate = { requests_per_second: 2, burst: 3 }
    const ask = (asker = 'a') => wait(asker, rate)

    assert.deepEqual([ask(), ask(), ask(), ask(), ask('b')], [undefined, undefined, undefined, 1, undefined])
    now = 500
    assert.deepEqual([ask(), ask()], [undefined, 1])
    now = 100_000
    assert.deepEqual([ask(), ask(), ask(), ask()], [undefined, undefined, undefined, 1])
  })
})
