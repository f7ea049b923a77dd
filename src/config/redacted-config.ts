import type { ShownConfig } from '../api/ports.ts'
import { mapValues } from '../model/data/map-values.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import { redactValue } from '../model/redaction/redact.ts'
import { redactedText } from '../model/redaction/secrets.ts'
import type { LastReload } from './config-reload.ts'
import type { LoadedConfig } from './load.ts'
import type { ConfigPath } from './schema-paths.ts'
import { settingsNeedingRestart } from './schema.ts'
import { describeOrigin, describePath } from './setting-origin.ts'

/** One setting as shown to operators, with its origin. */
export type ShownSetting = { readonly path: string; readonly value: unknown; readonly origin: string }

/** The config without its secrets. */
export function redactedConfig({ config }: Pick<LoadedConfig, 'config'>): Record<string, unknown> {
  const { auth, cluster, ...others } = config
  const rest = { ...others, cluster: { ...cluster, ...(cluster.key !== undefined && { key: redactedText }) } }
  // Of a grant only the token is secret; its name and rights are shown.
  const tokens = auth.tokens.map((grant) => ({ ...grant, ...(grant.token !== undefined && { token: redactedText }) }))
  const shownAuth = { ...auth, ...(auth.token !== undefined && { token: redactedText }), tokens }
  return { ...(withPlainScalars(redactValue(rest), rest) as typeof rest), auth: shownAuth }
}

/** The redacted value with its numbers and switches, which are no secrets: `max_watchers_per_token` only sounds like one. */
function withPlainScalars(redacted: unknown, value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (redacted === value || typeof redacted !== 'object' || redacted === null) return redacted
  if (typeof value !== 'object' || value === null) return redacted
  if (Array.isArray(redacted)) return redacted.map((one, index) => withPlainScalars(one, Object.values(value)[index]))
  const values = new Map<string, unknown>(Object.entries(value))
  return mapValues(redacted as Readonly<Record<string, unknown>>, (one, key) => withPlainScalars(one, values.get(key)))
}

/** Every setting with its origin, without secrets. */
export function listSettings(loaded: Pick<LoadedConfig, 'config' | 'originOf'>): ShownSetting[] {
  return settingLeaves(loaded).map(({ path, value }) => ({
    path: describePath(path),
    value,
    origin: describeOrigin(loaded.originOf(path)),
  }))
}

/** Every setting without secrets, by its path. */
export function settingLeaves(loaded: Pick<LoadedConfig, 'config'>): { path: ConfigPath; value: unknown }[] {
  return leaves(redactedConfig(loaded), [])
}

/** The config in force as `GET /config` answers it. */
export function showConfig({
  current,
  atStart,
  lastReload: { successful, at, warnings, reason },
}: {
  current: LoadedConfig
  atStart: LoadedConfig
  lastReload: LastReload
}): ShownConfig {
  return {
    file: current.file,
    settings: listSettings(current),
    needs_restart: settingsNeedingRestart(atStart.config, current.config),
    last_reload: {
      applied: successful,
      at: new Date(at).toISOString(),
      warnings: warnings.map(redactText),
      ...(reason === undefined ? {} : { reason: redactText(reason) }),
    },
  }
}

function leaves(value: unknown, path: ConfigPath): { path: ConfigPath; value: unknown }[] {
  const isNested = typeof value === 'object' && value !== null && Object.keys(value).length > 0
  if (!isNested || (Array.isArray(value) && value.every((one) => typeof one !== 'object'))) return [{ path, value }]
  const entries: (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((one, index) => [index, one] as const)
    : Object.entries(value)
  return entries.flatMap(([key, one]) => leaves(one, [...path, key]))
}
