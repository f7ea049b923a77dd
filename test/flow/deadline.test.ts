import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDeadline } from '../../src/flow/deadline.ts'

describe('deadline', () => {
  it('aborts after its time, for its listener and its signal', ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const reasons: unknown[] = []
    const deadline = createDeadline(1000)
    deadline.onAbort((reason) => reasons.push(reason))
    const early = deadline.signal()
    mock.timers.tick(999)
    assert.equal(deadline.abortReason(), undefined)
    mock.timers.tick(1)

    assert.equal(deadline.abortReason()?.name, 'TimeoutError')
    assert.deepEqual(reasons, [deadline.abortReason()])
    assert.equal(early.reason, deadline.abortReason())
    assert.ok(deadline.signal().aborted)
  })

  it('aborts with the outer signal, and at once when that is aborted already', () => {
    const outer = new AbortController()
    using deadline = createDeadline(60_000, outer.signal)
    outer.abort()
    using late = createDeadline(60_000, outer.signal)

    assert.equal(deadline.abortReason()?.name, 'AbortError')
    assert.equal(late.signal().aborted, true)
  })

  it('pauses, restarts with a new time, and never aborts once disposed', ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const deadline = createDeadline(1000)
    deadline.pause()
    mock.timers.tick(5000)
    assert.equal(deadline.abortReason(), undefined)
    deadline.restart(100)
    mock.timers.tick(100)
    assert.equal(deadline.abortReason()?.name, 'TimeoutError')

    const outer = new AbortController()
    const disposed = createDeadline(1000, outer.signal)
    disposed[Symbol.dispose]()
    mock.timers.tick(5000)
    outer.abort()
    assert.equal(disposed.abortReason(), undefined)
  })
})
