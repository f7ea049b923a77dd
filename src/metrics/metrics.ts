import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import type { Metric as PromMetric } from 'prom-client'
import type { SourceStatus } from '../model/status.ts'
import type { Registry } from '../registry/registry.ts'
import type { StoreState } from '../stores/store.ts'
import { agentMetrics, type DaemonFigures, type MeshCounts, originalMeshJson, originalMeshMetrics } from './agents.ts'
import { type DaemonCounts, daemonMetrics } from './daemon.ts'
import { type EventCounts, eventMetrics } from './events.ts'
import type { Metric } from './metric.ts'
import {
  type ProbeCounts,
  probeMetrics,
  probeSelfPreservationMetric,
  type StatisticsCounts,
  statisticsMetrics,
} from './probes.ts'
import { registryMetrics } from './registry.ts'
import { serverMetrics, type ServerPorts } from './servers.ts'
import { sourceMetrics } from './sources.ts'
import { type ClusterCounts, clusterMetrics, storeMetrics } from './store.ts'

/** What the metrics read at each scrape. The parts of the daemon count for themselves; nothing runs between scrapes. */
export type MetricsPorts = DaemonCounts & {
  readonly registry: Pick<Registry, 'revision' | 'counters'>
  readonly servers?: ServerPorts
  readonly sources: () => readonly SourceStatus[]
  readonly probeSelfPreservation?: () => unknown
  readonly store?: () => StoreState | undefined
  readonly cluster?: ClusterCounts
  readonly events?: () => EventCounts
  readonly mesh?: MeshCounts
  readonly probes?: () => ProbeCounts
  readonly statistics?: () => StatisticsCounts
}

/**
 * Default metrics of prom-client that are removed. Some walk over every connection, synchronously, at every scrape: `daemon.ts`
 * counts the descriptors in another way, and `nodejs_active_resources` counts the handles too. Gauges with the name of a counter
 * are sums of others, and `promtool check metrics` rejects them.
 */
const removedDefaults = [
  'process_open_fds',
  'nodejs_active_handles',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const

/** Sampling interval of the event loop's delay in prom-client. */
const lagSampleMs = 10

/**
 * The metrics as Prometheus text.
 *
 * prom-client is loaded at the first scrape. All samples are read at each scrape, so that those of a removed source vanish.
 * The name of a source is a label, that of a server only up to `metrics.max_servers`.
 */
export function createMetrics(ports: MetricsPorts) {
  let loading: ReturnType<typeof load> | undefined
  let sources: readonly SourceStatus[] = []

  async function load() {
    const { default: prom } = await import('prom-client')
    const { Registry: PromRegistry, collectDefaultMetrics } = prom
    const register = new PromRegistry()
    collectDefaultMetrics({ register })
    for (const name of removedDefaults) register.removeSingleMetric(name)
    for (const metric of allMetrics({ ...ports, sources: () => sources })) register.registerMetric(toPromMetric(metric))
    await firstLagSample()
    return register
  }

  /** Reads all samples and renders them. */
  async function text(): Promise<string> {
    loading ??= load()
    const register = await loading
    sources = ports.sources()
    return register.metrics()
  }

  return {
    text,
    /** The JSON of the original mesh registry, for clients that ask for it. */
    json: (): Record<string, unknown> => (ports.mesh ? originalMeshJson(ports.mesh, daemonFigures(ports)) : {}),
  }
}

/**
 * A metric whose samples are taken when prom-client renders it. prom-client has no type for a metric that keeps no state of its
 * own: rendering reads the name and calls `get`.
 */
function toPromMetric({ type, name, help, read }: Metric): PromMetric {
  const values = () =>
    read().map(({ labels = {}, value, part }) => ({ labels, value, ...(part && { metricName: `${name}_${part}` }) }))
  return { name, get: async () => ({ name, help, type, values: values() }) } as unknown as PromMetric
}

/**
 * Resolves once prom-client has sampled the delay of the event loop: without a sample its minimum would be 292 years, and
 * its mean NaN. A second monitor, enabled after prom-client's, shows when both have a sample.
 */
async function firstLagSample(): Promise<void> {
  const lag = monitorEventLoopDelay({ resolution: lagSampleMs })
  lag.enable()
  while (lag.count === 0) await pause(lagSampleMs)
  lag.disable()
}

function allMetrics(ports: MetricsPorts): readonly Metric[] {
  const { registry, servers, sources, mesh, store, events, probes, statistics, probeSelfPreservation, cluster } = ports
  return [
    ...registryMetrics(registry),
    ...(servers ? serverMetrics(servers) : []),
    ...sourceMetrics(sources),
    ...(mesh ? [...agentMetrics(mesh), ...originalMeshMetrics(mesh, daemonFigures(ports))] : []),
    ...(store ? storeMetrics(store) : []),
    ...(cluster ? clusterMetrics(cluster) : []),
    ...(events ? eventMetrics(events) : []),
    ...(probeSelfPreservation ? [probeSelfPreservationMetric(probeSelfPreservation)] : []),
    ...(probes ? probeMetrics(probes) : []),
    ...(statistics ? statisticsMetrics(statistics) : []),
    ...daemonMetrics(ports),
  ]
}

function daemonFigures({ http }: MetricsPorts): DaemonFigures {
  return {
    uptime: () => process.uptime(),
    requests: () => http?.counts() ?? new Map<string, number>(),
    connections: () => http?.connections() ?? 0,
  }
}
