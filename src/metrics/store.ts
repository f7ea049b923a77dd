import type { StoreState } from '../stores/store.ts'
import type { Series } from './series.ts'

/** What is told of the store; before it is opened, all is 0. */
export function storeSeries(state: () => StoreState | undefined): readonly Series[] {
  const one = (type: Series['type'], name: string, help: string, value: (now: StoreState) => number): Series => {
    const read = () => {
      const now = state()
      return [{ value: now ? value(now) : 0 }]
    }
    return { type, name, help, read }
  }
  return [
    one('gauge', 'roster_store_up', '0 while registrations are refused, since nothing can be stored.', ({ status }) =>
      Number(status === 'up'),
    ),
    one(
      'gauge',
      'roster_store_waiting_writes',
      'Writes that wait for the store.',
      ({ pending: waiting }) => waiting.operations,
    ),
    one(
      'gauge',
      'roster_store_waiting_beats',
      'Heartbeats not stored yet.',
      ({ pending: waiting }) => waiting.heartbeats,
    ),
    one(
      'counter',
      'roster_store_commits_total',
      'Transactions; each takes many writes.',
      ({ counters: counted }) => counted.commits,
    ),
    one(
      'counter',
      'roster_store_writes_total',
      'Registrations and deletions stored.',
      ({ counters: counted }) => counted.operations,
    ),
    one(
      'counter',
      'roster_store_conflicts_total',
      'Writes of a version that was not the newest.',
      ({ counters: counted }) => {
        return counted.conflicts
      },
    ),
    one('counter', 'roster_store_beats_total', 'Heartbeats stored.', ({ counters: counted }) => counted.heartbeats),
    one(
      'counter',
      'roster_store_dropped_beats_total',
      'Heartbeats given up while the store was down.',
      ({ counters: counted }) => {
        return counted.dropped_heartbeats
      },
    ),
    one(
      'counter',
      'roster_store_failures_total',
      'Times the store could not be used.',
      ({ counters: counted }) => counted.failures,
    ),
  ]
}
