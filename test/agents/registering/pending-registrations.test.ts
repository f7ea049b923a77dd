import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createPendingRegistrations } from '../../../src/agents/registering/pending-registrations.ts'

describe('pending registrations', () => {
  it('pending registrations count each other id once, by holder and in all, until they end', () => {
    const pending = createPendingRegistrations()
    const ends = [
      pending.begin('a', 'one'),
      pending.begin('a', 'one'),
      pending.begin('b', 'one'),
      pending.begin('c', undefined),
    ]

    assert.equal(pending.countOf('one', 'new'), 2)
    assert.equal(pending.countOf('one', 'a'), 1)
    assert.equal(pending.countOf('two', 'new'), 0)
    assert.equal(pending.countAll('new'), 3)
    ends[0]?.()
    assert.equal(pending.countOf('one', 'new'), 2)
    for (const end of ends.slice(1)) end()
    assert.equal(pending.countAll('new'), 0)
  })
})
