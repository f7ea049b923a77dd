import type { MonitorFigures } from '../health/monitor.ts'
import type { RegisteredServer } from '../model/change.ts'
import type { Status } from '../model/health.ts'
import type { Registry } from '../registry/registry.ts'
import { gauge, type Metric, type Sample } from './metric.ts'

/** What the metrics of servers read. */
export type ServerPorts = {
  readonly registry: Pick<Registry, 'list' | 'size'>
  /** What probes of a server have shown; undefined for one that is not probed. */
  readonly figuresOf: MonitorFigures
  /** Number of servers above which none has metrics of its own. */
  readonly max: () => number
}

const up: Partial<Record<Status, number>> = { healthy: 1, degraded: 1, unhealthy: 0, offline: 0 }

/** Metrics of each server, by namespace and name. A large registry has none, because each server is several series. */
export function serverMetrics({ registry, figuresOf, max }: ServerPorts): readonly Metric[] {
  const isOmitted = () => registry.size() > max()

  function metric(
    type: Metric['type'],
    name: string,
    help: string,
    { labels = [], samples }: { labels?: readonly string[]; samples: (server: RegisteredServer) => readonly Sample[] },
  ): Metric {
    const read = () => (isOmitted() ? [] : registry.list().flatMap((server) => samples(server).map(withName(server))))
    return { type, name: `roster_server_${name}`, help, labels: ['namespace', 'name', ...labels], read }
  }

  return [
    metric('gauge', 'status', '1 for the current status of the server.', {
      labels: ['status'],
      samples: ({ server: { status } }) => [{ labels: { status }, value: 1 }],
    }),
    metric('gauge', 'up', '1 while the server is healthy or degraded, 0 while unhealthy or offline.', {
      samples: ({ server }) => valueSample(up[server.status]),
    }),
    metric('gauge', 'response_time_seconds', 'Duration of the last probe of the server.', {
      samples: ({ server }) => {
        const ms = figuresOf(server.id)?.responseMs
        return valueSample(ms === undefined ? undefined : ms / 1000)
      },
    }),
    metric('counter', 'probe_failures_total', 'Failed probes of the server since the start, by reason.', {
      labels: ['reason'],
      samples: ({ server }) =>
        Array.from(figuresOf(server.id)?.failures ?? [], ([reason, value]) => ({ labels: { reason }, value })),
    }),
    gauge(
      'roster_servers_without_metrics',
      'Servers without metrics of their own: all above metrics.max_servers.',
      () => (isOmitted() ? registry.size() : 0),
    ),
  ]
}

function valueSample(value: number | undefined): Sample[] {
  return value === undefined ? [] : [{ value }]
}

function withName({ server: { namespace, name } }: RegisteredServer): (sample: Sample) => Sample {
  return ({ labels, value }) => ({ labels: { namespace, name, ...labels }, value })
}
