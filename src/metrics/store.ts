import type { Members } from '../cluster/members.ts'
import type { ProbeOwnership } from '../cluster/ownership.ts'
import type { SharedProbes } from '../cluster/verdict-exchange.ts'
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
    gauge(
      'roster_store_lag_seconds',
      'Time since this daemon last read what other daemons wrote to the store; 0 where no other one shares it.',
      read(({ lagMs = 0 }) => lagMs / 1000),
    ),
  ]
}

/** What the metrics of the daemons that share the store read. */
export type ClusterCounts = Pick<Members, 'view' | 'self'> & {
  readonly ownership: () => ProbeOwnership
  readonly verdicts: () => Pick<ReturnType<SharedProbes['counts']>, 'written' | 'read' | 'refused'>
}

/** Metrics of the daemons that share the store. */
export function clusterMetrics({ view, self, ownership, verdicts }: ClusterCounts): readonly Metric[] {
  return [
    gauge(
      'roster_members',
      'Live daemons on the database of this one, as this one sees them; 0 while it could not renew its membership.',
      () => view().members.length,
    ),
    gauge('roster_leader', '1 while this daemon is the leader, as one alone is; else 0.', () =>
      Number(view().leader === self().id),
    ),
    gauge('roster_owned_targets', 'Targets that this daemon probes.', () => ownership().own),
    gauge(
      'roster_unowned_targets',
      'Targets of which no live member has told a result: new ones, and those of one that is gone until another took over.',
      () => ownership().unowned,
    ),
    counter('roster_verdicts_written_total', 'Verdicts stored for other daemons.', () => verdicts().written),
    counter(
      'roster_verdicts_read_total',
      'Verdicts read from the store, those of this daemon included.',
      () => verdicts().read,
    ),
    counter(
      'roster_verdicts_refused_total',
      'Verdicts not stored: the membership was over, or the store failed. The next result is stored again.',
      () => verdicts().refused,
    ),
  ]
}
