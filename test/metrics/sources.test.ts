import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sourceMetrics } from '../../src/metrics/sources.ts'
import { samplesOf } from './samples.ts'
import { sourceStatus } from './source-status.ts'

describe('metrics of sources', () => {
  it('have the name and type of the source as labels', () => {
    const status = sourceStatus({
      state: 'degraded',
      origins: [
        { origin: 'a.yaml', servers: 2, stale: true },
        { origin: 'b.yaml', servers: 1, stale: false },
      ],
      held: { removes: 9, since: '2026-01-01T00:00:00.000Z' },
    })
    const labels = '{source="file",type="file"}'

    assert.deepEqual(
      samplesOf(sourceMetrics(() => [status])).filter((sample) => !sample.startsWith('roster_source_state')),
      [
        `roster_source_up${labels} 0`,
        `roster_source_entries${labels} 3`,
        `roster_source_shadowed_entries${labels} 0`,
        `roster_source_rejected_entries${labels} 1`,
        `roster_source_stale_origins${labels} 1`,
        `roster_source_held_removals${labels} 9`,
        `roster_source_consecutive_failures${labels} 0`,
        `roster_source_restarts_total${labels} 2`,
        `roster_source_last_success_timestamp_seconds${labels} 1767225600`,
      ],
    )
  })

  it('are 1 for the current state alone', () => {
    const states = samplesOf(sourceMetrics(() => [sourceStatus({ state: 'stale' })])).filter((sample) =>
      sample.startsWith('roster_source_state'),
    )
    assert.deepEqual(
      states.filter((sample) => sample.endsWith(' 1')),
      ['roster_source_state{source="file",type="file",state="stale"} 1'],
    )
    assert.equal(states.length, 5)
  })
})
