import { SourceState, type SourceStatus } from '../model/status.ts'
import type { Metric, Sample } from './metric.ts'

type Value = (status: SourceStatus) => number | undefined

/** Metrics of each source, with its name and type as labels. */
export function sourceMetrics(sources: () => readonly SourceStatus[]): readonly Metric[] {
  const labels = ['source', 'type']
  const metric = (type: Metric['type'], name: string, help: string, value: Value): Metric => ({
    type,
    name: `roster_source_${name}`,
    help,
    labels,
    read: () => sources().flatMap((status): Sample[] => sampleOf(status, value)),
  })

  return [
    metric('gauge', 'up', '1 while the source is synced without any failure.', ({ state }) =>
      Number(state === 'synced'),
    ),
    {
      type: 'gauge',
      name: 'roster_source_state',
      help: '1 for the current state of the source, 0 for all others.',
      labels: [...labels, 'state'],
      read: () =>
        sources().flatMap(({ name, type, state }) =>
          SourceState.options.map((option) => ({
            labels: { source: name, type, state: option },
            value: Number(option === state),
          })),
        ),
    },
    metric('gauge', 'entries', 'Definitions of the source, shadowed ones included.', ({ servers }) => servers),
    metric('gauge', 'shadowed_entries', 'Definitions shadowed by another source.', ({ shadowed }) => shadowed),
    metric('gauge', 'rejected_entries', 'Rejected entries.', ({ rejected }) => rejected),
    metric('gauge', 'stale_origins', 'Origins that currently fail.', ({ origins }) => {
      return origins.filter(({ stale }) => stale).length
    }),
    metric('gauge', 'held_removals', 'Removals held until another reading confirms them.', ({ held }) => {
      return held?.removes ?? 0
    }),
    metric('gauge', 'consecutive_failures', 'Failed attempts since the last success.', (status) => {
      return status.consecutive_failures
    }),
    metric('counter', 'restarts_total', 'Restarts of the source.', ({ restarts }) => restarts),
    metric('gauge', 'last_success_timestamp_seconds', 'Unix time of the last successful reading.', (status) => {
      return unixTime(status.last_success)
    }),
    metric('gauge', 'last_change_timestamp_seconds', 'Unix time of the last change by the source.', (status) => {
      return unixTime(status.last_change)
    }),
  ]
}

function sampleOf(status: SourceStatus, value: Value): Sample[] {
  const sample = value(status)
  return sample === undefined ? [] : [{ labels: { source: status.name, type: status.type }, value: sample }]
}

function unixTime(time: string | undefined): number | undefined {
  return time === undefined ? undefined : Date.parse(time) / 1000
}
