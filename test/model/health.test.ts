import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Status, worseOf } from '../../src/model/health.ts'

describe('the worse of two verdicts', () => {
  for (const [one, other, worse] of [
    ['healthy', 'degraded', 'degraded'],
    ['healthy', 'pending', 'pending'],
    ['pending', 'degraded', 'degraded'],
    ['degraded', 'unhealthy', 'unhealthy'],
    ['unhealthy', 'offline', 'offline'],
    ['unknown', 'healthy', 'healthy'],
    ['unknown', 'offline', 'offline'],
  ] as const satisfies readonly (readonly [Status, Status, Status])[]) {
    it(`of ${one} and ${other} is ${worse}, in either order`, () => {
      assert.equal(worseOf({ status: one }, { status: other }).status, worse)
      assert.equal(worseOf({ status: other }, { status: one }).status, worse)
    })
  }

  it('is the first where both are equal or the second is absent', () => {
    const first = { status: 'healthy', reason: 'ok' } as const

    assert.equal(worseOf(first, { status: 'healthy', reason: 'ok' }), first)
    assert.equal(worseOf(first, undefined), first)
  })
})
