import type { MonitorStats } from '../health/monitor.ts'
import type { Series } from './series.ts'

export type ProbeCounts = Omit<MonitorStats, 'selfPreservation'>

/** What is told of the probes: how many, how long, and what they found; never of whom. */
export function probeSeries(counts: () => ProbeCounts): readonly Series[] {
  const one = (type: Series['type'], name: string, help: string, value: (now: ProbeCounts) => number): Series => {
    return { type, name, help, read: () => [{ value: value(counts()) }] }
  }
  return [
    {
      type: 'counter',
      name: 'roster_probe_results_total',
      help: 'Probes made, by what they found.',
      labels: ['reason'],
      read: () => Object.entries(counts().probes).map(([reason, value]) => ({ labels: { reason }, value })),
    },
    one(
      'gauge',
      'roster_probe_targets',
      'What is probed; servers of one target share its probe.',
      (now) => now.targets,
    ),
    one('gauge', 'roster_probes_in_flight', 'Probes now.', (now) => now.in_flight),
    one('gauge', 'roster_probes_overdue', 'Probes that are due and wait for a slot.', (now) => now.overdue),
    one(
      'counter',
      'roster_probes_disregarded_total',
      'Failures that did not count, because time stood still.',
      (now) => {
        return now.disregarded
      },
    ),
    one('counter', 'roster_probe_duration_seconds_sum', 'Time spent in probes.', (now) => now.duration_ms.sum / 1000),
    one('counter', 'roster_probe_duration_seconds_count', 'Probes timed.', (now) => now.duration_ms.count),
  ]
}
