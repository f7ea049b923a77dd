import { isDeepStrictEqual } from 'node:util'
import * as z from 'zod'
import { Auth } from '../api/config/auth.ts'
import { CallsConfig } from '../api/config/calls.ts'
import { Cors } from '../api/config/cors.ts'
import { Limits } from '../api/config/limits.ts'
import { Listen } from '../api/config/listen.ts'
import { Publish } from '../api/config/publish.ts'
import { Ui } from '../api/config/ui.ts'
import { WatchConfig } from '../api/config/watch.ts'
import { ClusterConfig } from '../cluster/config.ts'
import { HealthConfig } from '../health/config.ts'
import { EventsConfig } from '../journal/config.ts'
import { LogConfig } from '../log.ts'
import { Metrics } from '../metrics/config.ts'
import { ReadyConfig } from '../registry/supervision/ready-config.ts'
import { SourceConfig } from '../sources/catalogue.ts'
import { StoreConfig } from '../stores/config.ts'

/** The config of the daemon. Each part of the daemon defines its own section. */
export const Config = z.strictObject({
  listen: Listen.prefault({}).describe('Address, port and TLS of the HTTP server.'),
  sources: z.array(SourceConfig).max(1000).default([]).describe('Sources of servers, in order of precedence.'),
  store: StoreConfig.prefault({ type: 'sqlite' }).describe('Storage of registrations.'),
  cluster: ClusterConfig.describe('The daemons that share one database.'),
  ready: ReadyConfig.describe('Readiness of the daemon.'),
  health: HealthConfig.describe('Health checks.'),
  auth: Auth.describe('Authentication and authorization.'),
  cors: Cors.describe('Access of web pages from other origins.'),
  limits: Limits.describe('Limits on requests and connections.'),
  calls: CallsConfig.describe('Calls of tools of agents through the registry.'),
  watch: WatchConfig.describe('Limits on watches.'),
  events: EventsConfig.describe('The stored journal of events.'),
  publish: Publish.describe('Publication of servers to other registries and their clients.'),
  ui: Ui.describe('The dashboard.'),
  metrics: Metrics.describe('Prometheus metrics.'),
  log: LogConfig.prefault({}).describe('Log level and format.'),
})
export type Config = z.output<typeof Config>

/** Settings that the daemon reads only when it starts. */
const restartSettings: Readonly<Record<string, (config: Config) => unknown>> = {
  'listen.host': ({ listen }) => listen.host,
  'listen.port': ({ listen }) => listen.port,
  'listen.name': ({ listen }) => listen.name,
  'listen.tls': ({ listen }) => listen.tls,
  store: ({ store }) => store,
  cluster: ({ cluster }) => cluster,
  'limits.max_header_bytes': ({ limits }) => limits.max_header_bytes,
  'limits.max_connections': ({ limits }) => limits.max_connections,
  'limits.header_timeout': ({ limits }) => limits.header_timeout,
  'limits.request_timeout': ({ limits }) => limits.request_timeout,
  'limits.keep_alive': ({ limits }) => limits.keep_alive,
  'limits.idle_timeout': ({ limits }) => limits.idle_timeout,
  'watch.max_history_bytes': ({ watch }) => watch.max_history_bytes,
  'metrics.enabled': ({ metrics }) => metrics.enabled,
  'metrics.port': ({ metrics }) => metrics.port,
  'log.format': ({ log }) => log.format,
  'log.access': ({ log }) => log.access,
}

/** Settings that differ between the config of the last start and the current one, and that need a restart. */
export function settingsNeedingRestart(atStart: Config, current: Config): string[] {
  return Object.keys(restartSettings).filter(
    (name) => !isDeepStrictEqual(restartSettings[name]?.(atStart), restartSettings[name]?.(current)),
  )
}
