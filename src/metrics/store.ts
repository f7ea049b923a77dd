import type { Members } from '../cluster/members.ts'
import type { StoreState } from '../stores/store.ts'
import { counter, gauge, type Metric } from './metric.ts'

/** Metrics of the store; all 0 until it is open. */
export function storeMetrics(state: () => StoreState | undefined): readonly Metric[] {
  const read = (value: (state: StoreState) => number) => () => {
    const current = state()
    return current ? value(current) : 0
  }
  return [
    gauge(
      'roster_store_up',
      '1 while the store is available, 0 while registrations are refused.',
      read(({ status }) => Number(status === 'up')),
    ),
    gauge(
      'roster_store_waiting_writes',
      'Registrations and deletions waiting to be stored.',
      read(({ pending }) => pending.operations),
    ),
    gauge(
      'roster_store_waiting_beats',
      'Heartbeats waiting to be stored.',
      read(({ pending }) => pending.heartbeats),
    ),
    counter(
      'roster_store_commits_total',
      'Transactions committed; each holds many writes.',
      read(({ counters }) => counters.commits),
    ),
    counter(
      'roster_store_writes_total',
      'Registrations and deletions stored.',
      read(({ counters }) => counters.operations),
    ),
    counter(
      'roster_store_conflicts_total',
      'Writes rejected for an outdated resource version.',
      read(({ counters }) => counters.conflicts),
    ),
    counter(
      'roster_store_beats_total',
      'Heartbeats stored.',
      read(({ counters }) => counters.heartbeats),
    ),
    counter(
      'roster_store_dropped_beats_total',
      'Heartbeats dropped while the store was unavailable.',
      read(({ counters }) => counters.dropped_heartbeats),
    ),
    counter(
      'roster_store_failures_total',
      'Failures of the store.',
      read(({ counters }) => counters.failures),
    ),
  ]
}

/** Metrics of the daemons that share the store. */
export function clusterMetrics({ view, self }: Pick<Members, 'view' | 'self'>): readonly Metric[] {
  return [
    gauge(
      'roster_members',
      'Live daemons on the database of this one, as this one sees them; 0 while it could not renew its membership.',
      () => view().members.length,
    ),
    gauge('roster_leader', '1 while this daemon is the leader, as one alone is; else 0.', () =>
      Number(view().leader === self().id),
    ),
  ]
}
