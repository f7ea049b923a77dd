import { isDeepStrictEqual } from 'node:util'
import type { Config } from './schema.ts'

/** Settings that the daemon reads only when it starts. */
const restartSettings: Readonly<Record<string, (config: Config) => unknown>> = {
  'listen.host': ({ listen }) => listen.host,
  'listen.port': ({ listen }) => listen.port,
  'listen.name': ({ listen }) => listen.name,
  'listen.tls': ({ listen }) => listen.tls,
  store: ({ store }) => store,
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
