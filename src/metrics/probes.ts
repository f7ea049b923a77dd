import type { MonitorStats } from '../health/monitor.ts'
import { counter, gauge, type Metric } from './metric.ts'

export type ProbeCounts = Omit<MonitorStats, 'selfPreservation'>
export type StatisticsCounts = { readonly servers: number; readonly bytes: number }

/** Metrics of probes: number, duration and results. A target is never a label. */
export function probeMetrics(counts: () => ProbeCounts): readonly Metric[] {
  return [
    {
      type: 'counter',
      name: 'roster_probe_results_total',
      help: 'Probes completed, by reason.',
      labels: ['reason'],
      read: () => Object.entries(counts().probes).map(([reason, value]) => ({ labels: { reason }, value })),
    },
    gauge('roster_probe_targets', 'Probe targets; servers with the same target share it.', () => counts().targets),
    gauge('roster_probes_in_flight', 'Probes in flight.', () => counts().in_flight),
    gauge('roster_probes_overdue', 'Probes that are due and wait for a slot.', () => counts().overdue),
    counter(
      'roster_probes_disregarded_total',
      'Failures ignored because the event loop stalled during the probe.',
      () => counts().disregarded,
    ),
    {
      type: 'summary',
      name: 'roster_probe_duration_seconds',
      help: 'Duration of timed probes.',
      read: () => {
        const { sum, count } = counts().duration_ms
        return [
          { part: 'sum', value: sum / 1000 },
          { part: 'count', value: count },
        ]
      },
    },
  ]
}

/** Whether the failures of probes are ignored at present. */
export function probeSelfPreservationMetric(selfPreservation: () => unknown): Metric {
  return gauge(
    'roster_probe_suspicion',
    '1 while failed probes do not change health, because the network of the daemon itself seems to fail.',
    () => (selfPreservation() === undefined ? 0 : 1),
  )
}

/** Metrics of the statistics of servers over time: how many have some, and their memory. */
export function statisticsMetrics(counts: () => StatisticsCounts): readonly Metric[] {
  return [
    gauge('roster_statistics_servers', 'Servers with statistics of the last week.', () => counts().servers),
    gauge('roster_statistics_bytes', 'Estimated memory of the statistics of servers.', () => counts().bytes),
  ]
}
