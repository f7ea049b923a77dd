import type { Registry } from '../registry/registry.ts'
import { gauge, type Metric, type Sample } from './metric.ts'

/** Metrics of the registry. A server's name is never a label. */
export function registryMetrics({ revision, counters }: Pick<Registry, 'revision' | 'counters'>): readonly Metric[] {
  return [
    gauge('roster_registry_revision', 'Revision of the registry; each batch of changes increments it.', revision),
    {
      type: 'gauge',
      name: 'roster_servers',
      help: 'Servers in the registry.',
      labels: ['status', 'enabled'],
      read: () => {
        const { enabled, disabled } = counters()
        return [...byStatus(enabled, 'true'), ...byStatus(disabled, 'false')]
      },
    },
    gauge(
      'roster_servers_stale',
      'Servers kept from the last good reading of a failing origin.',
      () => counters().stale,
    ),
    gauge('roster_conflicts', 'Definitions shadowed by a source of higher precedence.', () =>
      counters()
        .shadowed.values()
        .reduce((sum, count) => sum + count, 0),
    ),
  ]
}

function byStatus(counts: ReadonlyMap<string, number>, enabled: string): Sample[] {
  return Array.from(counts, ([status, value]) => ({ labels: { status, enabled }, value }))
}
