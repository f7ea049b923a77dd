import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createHistory } from '../../../src/health/evaluation/history.ts'
import { Reason } from '../../../src/model/health.ts'

describe('probe history', () => {
  it('keeps the last sixty results, oldest first', () => {
    const history = createHistory()
    for (let second = 0; second < 150; second += 1) {
      history.add(second * 1000, 'ok', second)
      const times = history.list().map(({ at }) => Date.parse(at) / 1000)
      assert.deepEqual(
        times,
        Array.from({ length: Math.min(second + 1, 60) }, (_, index) => Math.max(0, second - 59) + index),
      )
    }
  })

  it('returns every reason as it was added; only `ok` and `auth_required` are successes', () => {
    const history = createHistory()
    for (const reason of Reason.options) history.add(0, reason, 1)

    assert.deepEqual(
      history.list().map(({ reason }) => reason),
      Reason.options,
    )
    assert.deepEqual(
      history.list().flatMap(({ ok, reason }) => (ok ? [reason] : [])),
      ['ok', 'auth_required'],
    )
  })

  it('rounds response times to hundredths of a millisecond, and caps them at 22 minutes', () => {
    const history = createHistory()
    for (const ms of [0, 0.004, 7.256, 5000.5, 1e9]) history.add(0, 'timeout', ms)

    assert.deepEqual(
      history.list().map(({ response_time_ms }) => response_time_ms),
      [0, 0, 7.26, 5000.5, 1_342_177.27],
    )
  })
})
