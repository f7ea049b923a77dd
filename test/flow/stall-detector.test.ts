import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createStallDetector, createStallWatch } from '../../src/flow/stall-detector.ts'
import { createFakeClock } from '../health/fake-clock.ts'

function detectorAt(start = 0) {
  let time = start
  let asleep = 0
  const seen: string[] = []
  const detector = createStallDetector({
    now: () => time,
    reference: () => time + asleep,
    everyMs: 500,
    onStall: (ms) => seen.push(`stall ${ms}`),
    onSuspend: (ms) => seen.push(`suspend ${ms}`),
  })
  return { ...detector, seen, pass: (ms: number) => void (time += ms), sleep: (ms: number) => void (asleep += ms) }
}

describe('stall detector', () => {
  it('reports the time beyond the interval when a check is more than a second late', () => {
    const { check, seen, pass } = detectorAt()
    pass(1500)
    assert.equal(check(), 1500)
    assert.deepEqual(seen, [])
    pass(1501)
    check()
    assert.deepEqual(seen, ['stall 1001'])
    pass(500)
    check()
    assert.deepEqual(seen, ['stall 1001'])
  })

  it('reports a jump of more than a second against the reference clock, in either direction', () => {
    const { checkSuspend, seen, sleep } = detectorAt()
    sleep(1000)
    checkSuspend()
    sleep(60_000)
    checkSuspend()
    checkSuspend()
    sleep(-7000)
    checkSuspend()

    assert.deepEqual(seen, ['suspend 60000', 'suspend -7000'])
  })

  it('forgets the time before a reset', () => {
    const { check, checkSuspend, reset, seen, pass, sleep } = detectorAt()
    pass(60_000)
    sleep(60_000)
    reset()
    check()
    checkSuspend()

    assert.deepEqual(seen, [])
  })
})

describe('stall watch', () => {
  it('detects stalls only between start and stop, and keeps one timer', async () => {
    const { clock, pass, stall, step, timers } = createFakeClock()
    let stalls = 0
    const watch = createStallWatch({ clock, onStall: () => void (stalls += 1) })
    stall(10_000)
    watch.start()
    watch.start()
    await pass(10_000)
    assert.deepEqual([stalls, timers()], [0, 1])

    stall(1300)
    watch.check()
    assert.equal(stalls, 1)
    step(600_000)
    await pass(250)
    assert.equal(stalls, 2)
    watch.stop()
    assert.equal(timers(), 0)
  })
})
