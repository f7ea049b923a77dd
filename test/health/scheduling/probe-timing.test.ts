import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { HealthConfig } from '../../../src/health/config.ts'
import { initialVerdict } from '../../../src/health/evaluation/verdict.ts'
import type { ProbeTarget } from '../../../src/health/probe-target.ts'
import { createProbeTiming } from '../../../src/health/scheduling/probe-timing.ts'
import { registered } from '../../builders.ts'

/** Timing at time 0 for servers with these intervals, whose random numbers are all `share`. */
function timingFor(intervals: Record<string, number | undefined>, { share = 0, interval = 30 } = {}) {
  const timing = createProbeTiming({
    now: () => 0,
    random: () => share,
    config: () => ({ ...HealthConfig.parse({}), interval }),
    get: (id) => registered({ name: id, health_check_interval: intervals[id] }),
  })
  const target: ProbeTarget = { key: '', targetKey: '', host: '', ids: new Set(Object.keys(intervals)) }
  return { ...timing, target }
}

describe('probe timing', () => {
  it('spreads first probes by 100 ms each, and beyond the interval at random', () => {
    const { firstAfter, target } = timingFor({ one: 1 }, { share: 0.5 })

    const times = Array.from({ length: 11 }, () => firstAfter(target, 0))

    assert.deepEqual(times, [50, 150, 250, 350, 450, 550, 650, 750, 850, 950, 500])
  })

  it('repeats after the shortest interval with 10 % jitter, and after twice that for an unhealthy target', () => {
    const table = [
      { share: 0, verdict: initialVerdict, expected: 9000 },
      { share: 1, verdict: initialVerdict, expected: 11_000 },
      { share: 0.5, verdict: { ...initialVerdict, status: 'unhealthy', failures: 3 }, expected: 20_000 },
      { share: 0.5, verdict: { ...initialVerdict, status: 'unhealthy', successes: 1 }, expected: 10_000 },
    ] as const
    for (const { share, verdict, expected } of table) {
      const { next, target } = timingFor({ slow: 60, fast: 10 }, { share })
      assert.equal(next(target, verdict, { startedAt: 0, stalled: false }), expected)
    }
  })

  it('repeats a probe soon after a stall', () => {
    const { next, target } = timingFor({ one: 10 }, { share: 0.5 })

    assert.equal(next(target, initialVerdict, { startedAt: -60_000, stalled: true }), 500)
  })

  it('uses the configured interval where the definition names none', () => {
    const { next, target } = timingFor({ one: undefined }, { share: 0.5, interval: 7 })

    assert.equal(next(target, initialVerdict, { startedAt: 0, stalled: false }), 7000)
  })

  it('moves a probe earlier only where it is due later than the interval allows', () => {
    const { earlier, target } = timingFor({ slow: 60, fast: 10 }, { share: 0.5 })

    assert.equal(earlier(22_000, target), undefined)
    assert.equal(earlier(22_001, target), 5000)
    assert.equal(earlier(22_001, target, registered({ health_check_interval: 60 })), undefined)
  })
})
