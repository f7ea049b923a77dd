import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { z } from 'zod'
import { HealthConfig } from '../../src/health/config.ts'

describe('health config', () => {
  it('has defaults for everything', () => {
    const { interval, timeout, max_concurrency, max_concurrency_per_host, thresholds, self_preservation, deny, allow } =
      HealthConfig.parse({})

    assert.deepEqual(
      { interval, timeout, max_concurrency, max_concurrency_per_host },
      { interval: 30, timeout: 5, max_concurrency: 64, max_concurrency_per_host: 2 },
    )
    assert.deepEqual(thresholds, { failures: 3, successes: 2 })
    assert.deepEqual(self_preservation, { enabled: true, ratio: 0.5, min_targets: 10, max_duration: 900 })
    assert.deepEqual(deny, [])
    assert.equal(allow, undefined)
  })

  it('accepts durations in every notation', () => {
    assert.equal(HealthConfig.parse({ interval: '1m30s', timeout: '500ms' }).interval, 90)
    assert.equal(HealthConfig.parse({ timeout: '500ms' }).timeout, 0.5)
  })

  it('names the problem and its key', () => {
    const table: [config: object, problem: RegExp][] = [
      [{ deny: ['10.0.0.0/99'] }, /network such as 10\.0\.0\.0\/8[^]*deny\[0\]/],
      [{ interval: 0.5 }, /at least 1 seconds[^]*interval/],
      [{ timeout: 'soon' }, /text such as "30s"[^]*timeout/],
      [{ max_concurrency: 1 }, /max_concurrency/],
      [{ thresholds: { failures: 0 } }, /thresholds\.failures/],
      [{ intervall: 3 }, /intervall/],
    ]
    for (const [config, problem] of table) {
      const { error } = HealthConfig.safeParse(config)
      assert.ok(error, JSON.stringify(config))
      assert.match(z.prettifyError(error), problem)
    }
  })
})
