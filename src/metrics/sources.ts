import { SourceState, type SourceStatus } from '../model/status.ts'
import type { Sample, Series } from './series.ts'

/** What is told of each source, in the manner of Prometheus' own service discovery. */
export function sourceSeries(sources: () => readonly SourceStatus[]): readonly Series[] {
  const labels = ['source', 'type']
  const each = (value: (status: SourceStatus) => number | undefined) => (): Sample[] =>
    sources().flatMap((status) => {
      const read = value(status)
      return read === undefined ? [] : [{ labels: { source: status.name, type: status.type }, value: read }]
    })
  const gauge = (name: string, help: string, value: (status: SourceStatus) => number | undefined): Series => {
    return { type: 'gauge', name, help, labels, read: each(value) }
  }

  return [
    gauge('roster_source_up', '1 while the source is read without any failure.', ({ state }) =>
      Number(state === 'synced'),
    ),
    {
      type: 'gauge',
      name: 'roster_source_state',
      help: '1 for the state the source is in.',
      labels: [...labels, 'state'],
      read: () =>
        sources().flatMap(({ name, type, state }) =>
          SourceState.options.map((one) => ({
            labels: { source: name, type, state: one },
            value: Number(one === state),
          })),
        ),
    },
    gauge('roster_source_entries', 'Definitions the source contributes, shadowed ones included.', (one) => one.servers),
    gauge('roster_source_shadowed_entries', 'Of these, those that lost to another source.', (one) => one.shadowed),
    gauge('roster_source_rejected_entries', 'Entries turned away.', (one) => one.rejected),
    gauge('roster_source_stale_origins', 'Origins that cannot be read now.', ({ origins }) => {
      return origins.filter(({ stale }) => stale).length
    }),
    gauge('roster_source_held_removals', 'Removals that wait for a second look.', ({ held }) => held?.removes ?? 0),
    gauge('roster_source_consecutive_failures', 'Failed attempts since the last good one.', (one) => {
      return one.consecutive_failures
    }),
    {
      ...gauge('roster_source_restarts_total', 'Times the source was restarted.', (one) => one.restarts),
      type: 'counter',
    },
    gauge('roster_source_last_success_timestamp_seconds', 'When the source was read last.', ({ last_success }) => {
      return seconds(last_success)
    }),
    gauge(
      'roster_source_last_change_timestamp_seconds',
      'When the source last changed anything.',
      ({ last_change }) => {
        return seconds(last_change)
      },
    ),
  ]
}

function seconds(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) / 1000
}
