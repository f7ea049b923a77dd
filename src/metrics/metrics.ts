import { setTimeout as pause } from 'node:timers/promises'
import type { SourceStatus } from '../model/status.ts'
import type { Registry } from '../registry/registry.ts'
import type { StoreState } from '../stores/store.ts'
import { type AboutDaemon, agentSeries, type MeshCounts, originalJson, originalSeries } from './agents.ts'
import { descriptorSeries } from './descriptors.ts'
import { type ProbeCounts, probeSeries } from './probes.ts'
import type { Series } from './series.ts'
import { sourceSeries } from './sources.ts'
import { storeSeries } from './store.ts'

/** What the metrics read when they are scraped. Parts count in their closures; nothing here runs in between. */
export type MetricsParts = {
  readonly version: string
  readonly registry: Pick<Registry, 'revision' | 'counters'>
  readonly sources: () => readonly SourceStatus[]
  readonly suspicion?: () => unknown
  readonly store?: () => StoreState | undefined
  /** Requests answered, by `METHOD STATUS`, and connections open now. */
  readonly http?: { readonly counts: () => ReadonlyMap<string, number>; readonly connections: () => number }
  readonly mesh?: MeshCounts
  readonly probes?: () => ProbeCounts
  readonly watchers?: () => { readonly watchers: number; readonly disconnects: Readonly<Record<string, number>> }
  /** The last reload of the config: whether it was taken, and when (milliseconds). */
  readonly reload?: () => { readonly successful: boolean; readonly at: number }
}

/**
 * What prom-client reads by walking over every connection, at every scrape and in one go. The descriptors are counted in
 * another way; the handles are told as `nodejs_active_resources` too.
 */
const walking = ['process_open_fds', 'nodejs_active_handles', 'nodejs_active_handles_total'] as const

/** By when the event loop's delay has been sampled for the first time, which happens every 10 ms. */
const firstSampleMs = 25

/**
 * The metrics as Prometheus text.
 *
 * prom-client is loaded at the first scrape. Series are read anew each time, so those of a removed source vanish; a
 * source's name is a label, a server's never is.
 */
export function createMetrics(parts: MetricsParts) {
  let loading: ReturnType<typeof load> | undefined
  let sources: readonly SourceStatus[] = []

  async function load() {
    const { default: prom } = await import('prom-client')
    const { Counter, Gauge, Registry: PromRegistry, collectDefaultMetrics } = prom
    const register = new PromRegistry()
    collectDefaultMetrics({ register })
    for (const name of walking) register.removeSingleMetric(name)
    const refresh = seriesOf({ ...parts, sources: () => sources }).map(({ type, name, help, labels = [], read }) => {
      const base = { name, help, labelNames: [...labels], registers: [register] }
      const metric = type === 'gauge' ? new Gauge(base) : new Counter(base)
      return () => {
        metric.reset()
        for (const { labels, value } of read()) metric.inc(labels ?? {}, value)
      }
    })
    // Of no sample at all, the least delay of the event loop would be 292 years, and their mean no number.
    await pause(firstSampleMs)
    return { register, refresh }
  }

  /** Reads everything and tells it. */
  async function text(): Promise<string> {
    loading ??= load()
    const { register, refresh } = await loading
    sources = parts.sources()
    for (const read of refresh) read()
    return register.metrics()
  }

  return {
    text,
    /** The same in the words of the original mesh registry, for clients that read JSON. */
    json: (): Record<string, unknown> => (parts.mesh ? originalJson(parts.mesh, aboutDaemon(parts)) : {}),
  }
}

function seriesOf(parts: MetricsParts): readonly Series[] {
  return [
    ...registrySeries(parts),
    ...sourceSeries(parts.sources),
    ...edgeSeries(parts),
    ...(parts.mesh ? [...agentSeries(parts.mesh), ...originalSeries(parts.mesh, aboutDaemon(parts))] : []),
    ...(parts.store ? storeSeries(parts.store) : []),
    ...daemonSeries(parts),
    ...descriptorSeries(),
  ]
}

function aboutDaemon({ http }: MetricsParts): AboutDaemon {
  return {
    uptime: () => process.uptime(),
    requests: () => http?.counts() ?? new Map<string, number>(),
    connections: () => http?.connections() ?? 0,
  }
}

function registrySeries({ registry }: MetricsParts): readonly Series[] {
  return [
    {
      type: 'gauge',
      name: 'roster_registry_revision',
      help: 'Grows by one with every batch of changes.',
      read: () => [{ value: registry.revision() }],
    },
    {
      type: 'gauge',
      name: 'roster_servers',
      help: 'Servers in the registry.',
      labels: ['status', 'enabled'],
      read: () => {
        const { enabled, disabled } = registry.counters()
        const of = (counts: ReadonlyMap<string, number>, enabled: string) =>
          Array.from(counts, ([status, value]) => ({ labels: { status, enabled }, value }))
        return [...of(enabled, 'true'), ...of(disabled, 'false')]
      },
    },
    {
      type: 'gauge',
      name: 'roster_servers_stale',
      help: 'Servers shown as they were, because their origin cannot be read.',
      read: () => [{ value: registry.counters().stale }],
    },
    {
      type: 'gauge',
      name: 'roster_conflicts',
      help: 'Definitions that lost to a source of higher precedence.',
      read: () => [
        {
          value: registry
            .counters()
            .shadowed.values()
            .reduce((sum, count) => sum + count, 0),
        },
      ],
    },
  ]
}

function edgeSeries({ http, watchers }: MetricsParts): readonly Series[] {
  const series: Series[] = []
  if (http) {
    series.push(
      {
        type: 'counter',
        name: 'roster_http_requests_total',
        help: 'Requests answered.',
        labels: ['method', 'code'],
        read: () => [...http.counts()].map(([key, value]) => ({ labels: methodAndCode(key), value })),
      },
      {
        type: 'gauge',
        name: 'roster_http_connections',
        help: 'Connections open now.',
        read: () => [{ value: http.connections() }],
      },
    )
  }
  if (watchers) {
    series.push(
      { type: 'gauge', name: 'roster_watchers', help: 'Watchers now.', read: () => [{ value: watchers().watchers }] },
      {
        type: 'counter',
        name: 'roster_watchers_evicted_total',
        help: 'Watchers that were cut, by reason.',
        labels: ['reason'],
        read: () => Object.entries(watchers().disconnects).map(([reason, value]) => ({ labels: { reason }, value })),
      },
    )
  }
  return series
}

function daemonSeries({ version, suspicion, probes, reload }: MetricsParts): readonly Series[] {
  const series: Series[] = [
    {
      type: 'gauge',
      name: 'roster_build_info',
      help: 'The running version.',
      labels: ['version'],
      read: () => [{ labels: { version }, value: 1 }],
    },
  ]
  if (suspicion) {
    series.push({
      type: 'gauge',
      name: 'roster_probe_suspicion',
      help: '1 while the daemon suspects itself and keeps what it knew of health.',
      read: () => [{ value: suspicion() === undefined ? 0 : 1 }],
    })
  }
  if (probes) series.push(...probeSeries(probes))
  if (reload) {
    series.push(
      {
        type: 'gauge',
        name: 'roster_config_last_reload_successful',
        help: '0 while the config on disk is not the one that runs.',
        read: () => [{ value: reload().successful ? 1 : 0 }],
      },
      {
        type: 'gauge',
        name: 'roster_config_last_reload_timestamp_seconds',
        help: 'When the config was read last.',
        read: () => [{ value: reload().at / 1000 }],
      },
    )
  }
  return series
}

function methodAndCode(key: string): Record<string, string> {
  const [method = '', code = ''] = key.split(' ')
  return { method, code }
}
