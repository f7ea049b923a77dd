import assert from 'node:assert/strict'
import { beforeEach, describe, it, type TestContext } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createDebounce } from '../../src/flow/debounce.ts'

describe('debounce', () => {
  beforeEach((test) => {
    const { mock } = test as TestContext
    mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 })
    mock.method(performance, 'now', () => Date.now())
  })

  it('runs once after a burst of calls', ({ mock }) => {
    const act = mock.fn()
    const { trigger } = createDebounce({ act })

    for (let call = 0; call < 10; call += 1) {
      trigger()
      mock.timers.tick(50)
    }
    assert.equal(act.mock.callCount(), 0)
    mock.timers.tick(50)

    assert.equal(act.mock.callCount(), 1)
  })

  it('runs at the latest after its maximum, however long the burst', ({ mock }) => {
    const act = mock.fn()
    const { trigger } = createDebounce({ act, quietMs: 100, maxMs: 300 })

    for (let call = 0; call < 6; call += 1) {
      trigger()
      mock.timers.tick(50)
    }

    assert.equal(act.mock.callCount(), 1)
  })

  it('runs again after calls during a run, never twice at a time', async ({ mock }) => {
    const first = Promise.withResolvers<void>()
    let runs = 0
    const { trigger } = createDebounce({ act: () => (++runs === 1 ? first.promise : undefined) })
    trigger()
    mock.timers.tick(100)
    assert.equal(runs, 1)

    for (let call = 0; call < 3; call += 1) trigger()
    mock.timers.tick(5000)
    assert.equal(runs, 1)
    first.resolve()
    await setImmediate()
    mock.timers.tick(100)

    assert.equal(runs, 2)
  })

  it('does nothing after it is closed', ({ mock }) => {
    const act = mock.fn()
    const { trigger, close } = createDebounce({ act })
    trigger()
    close()
    trigger()
    mock.timers.tick(5000)

    assert.equal(act.mock.callCount(), 0)
  })
})
