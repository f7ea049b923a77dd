import { counter, gauge, type Metric } from './metric.ts'

/** Events since the start; `pending` at present. */
export type EventCounts = {
  readonly written: number
  readonly coalesced: number
  readonly dropped: number
  readonly pending: number
}

/** Metrics of the journal of events. */
export function eventMetrics(counts: () => EventCounts): readonly Metric[] {
  return [
    counter('roster_events_total', 'Events stored.', () => counts().written),
    counter(
      'roster_coalesced_events_total',
      'Events of flapping servers that were counted instead of stored.',
      () => counts().coalesced,
    ),
    counter(
      'roster_dropped_events_total',
      'Events lost: the store was down for too long, or rejected them.',
      () => counts().dropped,
    ),
    gauge('roster_waiting_events', 'Events waiting to be stored.', () => counts().pending),
  ]
}
