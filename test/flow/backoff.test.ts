import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createBackoff } from '../../src/flow/backoff.ts'

const delays = (backoff: ReturnType<typeof createBackoff>, count: number) =>
  Array.from({ length: count }, () => backoff.next())

describe('backoff', () => {
  it('doubles up to its maximum, and starts over after a reset', () => {
    const backoff = createBackoff({ firstMs: 100, maxMs: 1000, random: () => 1 })

    assert.deepEqual(delays(backoff, 6), [100, 200, 400, 800, 1000, 1000])
    assert.equal(backoff.failures(), 6)
    backoff.reset()
    assert.equal(backoff.failures(), 0)
    assert.equal(backoff.next(), 100)
  })

  it('has full jitter, but waits at least a tenth of the first delay', () => {
    assert.deepEqual(delays(createBackoff({ firstMs: 100, random: () => 0.5 }), 3), [50, 100, 200])
    assert.deepEqual(delays(createBackoff({ firstMs: 100, random: () => 0 }), 3), [10, 10, 10])
  })

  it('stays at its maximum after a thousand failures', () => {
    assert.equal(delays(createBackoff({ random: () => 1 }), 1000).at(-1), 60_000)
  })
})
