import { readdirSync, statSync } from 'node:fs'
import { gauge, type Metric, type Sample } from './metric.ts'

/** The counters of the API and of the daemon itself. */
export type DaemonCounts = {
  readonly version: string
  /** Requests answered, by `METHOD STATUS`, and open connections. */
  readonly http?: { readonly counts: () => ReadonlyMap<string, number>; readonly connections: () => number }
  readonly watchers?: () => { readonly watchers: number; readonly disconnects: Readonly<Record<string, number>> }
  /** The last reload of the config: whether it succeeded, and when (milliseconds). */
  readonly reload?: () => { readonly successful: boolean; readonly at: number }
}

/** Linux lists the open file descriptors of the process here. */
const descriptorFolder = '/proc/self/fd'

/** Metrics of the API and of the process. */
export function daemonMetrics({ version, http, watchers, reload }: DaemonCounts): readonly Metric[] {
  return [
    ...(http ? httpMetrics(http) : []),
    ...(watchers ? watcherMetrics(watchers) : []),
    {
      type: 'gauge',
      name: 'roster_build_info',
      help: 'Always 1; the label is the running version.',
      labels: ['version'],
      read: () => [{ labels: { version }, value: 1 }],
    },
    ...(reload ? reloadMetrics(reload) : []),
    ...descriptorMetrics(),
  ]
}

function httpMetrics({ counts, connections }: NonNullable<DaemonCounts['http']>): readonly Metric[] {
  return [
    {
      type: 'counter',
      name: 'roster_http_requests_total',
      help: 'HTTP requests answered.',
      labels: ['method', 'code'],
      read: () => Array.from(counts(), ([key, value]) => ({ labels: methodAndCode(key), value })),
    },
    gauge('roster_http_connections', 'Open HTTP connections.', connections),
  ]
}

function watcherMetrics(read: NonNullable<DaemonCounts['watchers']>): readonly Metric[] {
  const disconnects = (): Sample[] =>
    Object.entries(read().disconnects).map(([reason, value]) => ({ labels: { reason }, value }))
  return [
    gauge('roster_watchers', 'Connected watchers.', () => read().watchers),
    {
      type: 'counter',
      name: 'roster_watchers_evicted_total',
      help: 'Watchers disconnected by the daemon, by reason.',
      labels: ['reason'],
      read: disconnects,
    },
  ]
}

function reloadMetrics(last: NonNullable<DaemonCounts['reload']>): readonly Metric[] {
  return [
    gauge(
      'roster_config_last_reload_successful',
      '1 if the last reload of the config succeeded, 0 while the former config stays in force.',
      () => Number(last().successful),
    ),
    gauge(
      'roster_config_last_reload_timestamp_seconds',
      'Unix time of the last reload of the config.',
      () => last().at / 1000,
    ),
  ]
}

/** The kernel counts the open descriptors: listing those of ten thousand watchers takes long. */
function descriptorMetrics(): readonly Metric[] {
  if (!statSync(descriptorFolder, { throwIfNoEntry: false })) return []
  // Kernels before 6.2 report a size of 0.
  const count = () => statSync(descriptorFolder).size || readdirSync(descriptorFolder).length
  return [gauge('process_open_fds', 'Number of open file descriptors.', count)]
}

/** Sum of the requests whose `METHOD STATUS` matches. */
export function countRequests(
  counts: ReadonlyMap<string, number>,
  matches: (status: number) => boolean = () => true,
): number {
  let total = 0
  for (const [key, value] of counts) if (matches(Number(methodAndCode(key).code))) total += value
  return total
}

function methodAndCode(key: string) {
  const [method = '', code = ''] = key.split(' ')
  return { method, code }
}
