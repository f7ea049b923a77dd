import assert from 'node:assert/strict'
import { it } from 'node:test'
import { cachedTimestamp } from '../../src/flow/clock.ts'

it('cachedTimestamp formats the wall clock as RFC 3339, also after a step back', ({ mock }) => {
  mock.timers.enable({ apis: ['Date'], now: Date.parse('2026-03-01T10:00:00.123Z') })
  assert.equal(cachedTimestamp(), '2026-03-01T10:00:00.123Z')
  assert.equal(cachedTimestamp(), '2026-03-01T10:00:00.123Z')

  mock.timers.setTime(Date.parse('2026-03-01T10:00:00.124Z'))
  assert.equal(cachedTimestamp(), '2026-03-01T10:00:00.124Z')
  mock.timers.setTime(Date.parse('2026-02-28T23:59:59.999Z'))
  assert.equal(cachedTimestamp(), '2026-02-28T23:59:59.999Z')
})
