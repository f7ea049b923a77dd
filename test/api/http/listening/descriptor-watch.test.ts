import assert from 'node:assert/strict'
import { describe, it, mock } from 'node:test'
import { watchDescriptors } from '../../../../src/api/http/listening/descriptor-watch.ts'

describe('the watch on file descriptors', () => {
  it('warns while they are used up, at most once a minute', (context) => {
    context.mock.timers.enable({ apis: ['setInterval'] })
    const warn = mock.fn()
    let [used, time] = [50, 1]
    const stop = watchDescriptors({ log: { warn }, limit: 100, used: () => used, now: () => time, everyMs: 1000 })
    const warningsAt = (count: number, at: number) => {
      used = count
      time = at
      context.mock.timers.tick(1000)
      return warn.mock.callCount()
    }

    assert.deepEqual([warningsAt(83, 1000), warningsAt(84, 2000), warningsAt(100, 61_000)], [0, 1, 1])
    assert.equal(warningsAt(100, 62_001), 2)
    assert.deepEqual(warn.mock.calls[0]?.arguments[0], { open: 84, limit: 100 })
    stop()
    assert.equal(warningsAt(100, 200_000), 2)
  })
})
