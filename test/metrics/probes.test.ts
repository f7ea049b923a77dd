import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { probeMetrics, probeSelfPreservationMetric } from '../../src/metrics/probes.ts'
import { Reason } from '../../src/model/health.ts'
import { samplesOf } from './samples.ts'

describe('metrics of probes', () => {
  it('count results by reason, and durations in seconds', () => {
    const none = Object.fromEntries(Reason.options.map((reason) => [reason, 0])) as Record<Reason, number>
    const samples = samplesOf(
      probeMetrics(() => ({
        targets: 5,
        in_flight: 1,
        overdue: 0,
        probes: { ...none, refused: 2 },
        duration_ms: { sum: 1500, count: 3 },
        disregarded: 4,
      })),
    )

    assert.deepEqual(
      samples.filter((sample) => !/^roster_probe_results_total.* 0$/.test(sample)),
      [
        'roster_probe_results_total{reason="refused"} 2',
        'roster_probe_targets 5',
        'roster_probes_in_flight 1',
        'roster_probes_overdue 0',
        'roster_probes_disregarded_total 4',
        'roster_probe_duration_seconds_sum 1.5',
        'roster_probe_duration_seconds_count 3',
      ],
    )
  })

  it('show self-preservation as 1', () => {
    assert.deepEqual(samplesOf([probeSelfPreservationMetric(() => undefined)]), ['roster_probe_suspicion 0'])
    assert.deepEqual(samplesOf([probeSelfPreservationMetric(() => ({ since: 'now' }))]), ['roster_probe_suspicion 1'])
  })
})
