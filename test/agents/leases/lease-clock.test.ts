import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLeaseClock } from '../../../src/agents/leases/lease-clock.ts'

describe('lease clock', () => {
  function createTestClock() {
    let monotonic = 0
    let asleep = 0
    const graces: number[] = []
    const clock = createLeaseClock({
      monotonic: () => monotonic,
      booted: () => monotonic + asleep,
      onGrace: (gap) => graces.push(gap),
    })
    return {
      clock,
      graces,
      run: (ms: number) => {
        for (let passed = 0; passed < ms; passed += 500) {
          monotonic += 500
          clock.tick()
        }
      },
      stop: (ms: number) => (monotonic += ms),
      sleep: (ms: number) => (asleep += ms),
    }
  }

  it('lease clock runs while the process runs', () => {
    const { clock, run, graces } = createTestClock()
    run(60_000)
    assert.equal(clock.now(), 60_000)
    assert.deepEqual(graces, [])
  })

  it('lease clock stands still during a stall of the event loop', () => {
    const { clock, run, stop, graces } = createTestClock()
    run(10_000)
    stop(4000)
    assert.equal(clock.now(), 10_500)
    assert.deepEqual(graces, [])
  })

  it('lease clock grants grace after a long stop of the process', () => {
    const { clock, run, stop, graces } = createTestClock()
    run(10_000)
    stop(600_000)
    clock.tick()
    assert.deepEqual(graces, [599_500])
  })

  it('lease clock grants grace after the machine slept', () => {
    const { run, sleep, graces } = createTestClock()
    run(10_000)
    sleep(3_600_000)
    run(500)
    assert.deepEqual(graces, [3_600_000])
  })
})
