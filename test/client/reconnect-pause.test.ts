import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RosterError } from '../../src/client/roster/error.ts'
import { createReconnectPause } from '../../src/client/roster/reconnect-pause.ts'

const lost = new RosterError('connection lost')
const notReady = new RosterError('not ready', { status: 503, problem: { code: 'not_ready' } })

/** The longest pauses after these failures. */
const longest = (failures: readonly RosterError[], options = {}) => {
  const { next } = createReconnectPause({ random: () => 1, ...options })
  return failures.map((failure) => next(failure))
}

describe('the pause before a reconnect', () => {
  it('doubles to four seconds, so that a client is back within five of the return of its roster', () => {
    assert.deepEqual(longest([lost, lost, lost, lost, lost, lost]), [1000, 2000, 4000, 4000, 4000, 4000])
  })

  it('is shorter where the client says so', () => {
    assert.deepEqual(longest([lost, lost, lost, notReady], { maxBackoffMs: 1500 }), [1000, 1500, 1500, 1500])
  })

  it('does not grow while the roster starts, and starts over then', () => {
    assert.deepEqual(
      longest([lost, lost, notReady, notReady, notReady, notReady, lost]),
      [1000, 2000, 3000, 3000, 3000, 3000, 1000],
    )
  })

  it('is the one that the roster asks for, at least 0.1 s and at most the maximum', () => {
    const after = (retryAfterMs: number) => new RosterError('busy', { status: 429, retryAfterMs })
    assert.deepEqual(longest([after(0), after(9000), after(60_000)]), [100, 9000, 30_000])
    assert.deepEqual(longest([after(9000), lost], { maxMs: 50 }), [50, 50])
  })

  it('is the one that its stream advised, for the first reconnect only', () => {
    const { advise, next } = createReconnectPause({ random: () => 1 })
    advise(5000)
    assert.deepEqual([next(lost), next(lost)], [5000, 2000])
  })

  it('starts over after a connection', () => {
    const { connected, next } = createReconnectPause({ random: () => 1 })
    next(lost)
    next(lost)
    connected()
    assert.equal(next(lost), 1000)
  })
})
