import { isDeepStrictEqual } from 'node:util'
import type { Config } from './schema.ts'

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

/** The settings in which a running daemon's config and a new one differ, and which are taken at a start only. */
export function settingsNeedingRestart(started: Config, now: Config): string[] {
  return Object.keys(restartSettings).filter(
    (name) => !isDeepStrictEqual(restartSettings[name]?.(started), restartSettings[name]?.(now)),
  )
}
