import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createChangeSignal, createWakeSignal, joinWakeSignals } from '../../src/flow/wake-signal.ts'

/** Whether a promise has resolved after a turn of the event loop. */
async function isResolved(promise: Promise<void>): Promise<boolean> {
  let resolved = false
  void promise.then(() => (resolved = true))
  await setImmediate()
  return resolved
}

describe('change signal', () => {
  it('wakes all waiters at a change, after their time, or when aborted', async ({ mock }) => {
    mock.timers.enable({ apis: ['setTimeout'] })
    const { wait, notify } = createChangeSignal()
    const { signal } = new AbortController()
    const abort = new AbortController()
    const waits = [wait(signal), wait(signal, 1000), wait(abort.signal)] as const
    assert.equal(await isResolved(Promise.race(waits)), false)

    mock.timers.tick(1000)
    assert.equal(await isResolved(waits[1]), true)
    abort.abort()
    assert.equal(await isResolved(waits[2]), true)
    assert.equal(await isResolved(waits[0]), false)
    notify()
    assert.equal(await isResolved(waits[0]), true)
    await wait(abort.signal)
  })
})

describe('wake signal', () => {
  it('stays raised until taken', async () => {
    const { signal } = new AbortController()
    const wake = createWakeSignal({ signal })
    wake.raise()

    assert.equal(await isResolved(wake.wait()), true)
    assert.equal(wake.raised(), true)
    wake.take()
    const waiting = wake.wait()
    assert.equal(await isResolved(waiting), false)
    wake.raise()
    assert.equal(await isResolved(waiting), true)
  })
})

describe('joined wake signals', () => {
  it('are raised by either and taken together', async () => {
    const { signal } = new AbortController()
    const outer = createWakeSignal({ signal })
    const joined = joinWakeSignals({ wake: outer, signal })

    outer.raise()
    await setImmediate()
    assert.equal(joined.raised(), true)
    joined.take()
    assert.deepEqual([joined.raised(), outer.raised()], [false, false])

    joined.raise()
    assert.deepEqual([joined.raised(), outer.raised()], [true, false])
    joined.take()
    outer.raise()
    await setImmediate()
    assert.equal(joined.raised(), true)
  })
})
