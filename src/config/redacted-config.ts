import { redactValue } from '../model/redaction/redact.ts'
import { redactedText } from '../model/redaction/secrets.ts'
import type { LoadedConfig } from './load.ts'
import type { ConfigPath } from './schema-paths.ts'
import { describeOrigin, describePath } from './setting-origin.ts'

/** One value of the config as it may be shown, and where it came from. */
export type ShownSetting = { readonly path: string; readonly value: unknown; readonly origin: string }

/** The config with every secret taken out. */
export function redactedConfig({ config }: Pick<LoadedConfig, 'config'>): Record<string, unknown> {
  const { auth, ...rest } = config
  // Of a token the secret goes; whose it is, and what it may, stays.
  const tokens = auth.tokens.map((grant) => ({ ...grant, ...(grant.token !== undefined && { token: redactedText }) }))
  const shown = { ...auth, ...(auth.token !== undefined && { token: redactedText }), tokens }
  // `max_watchers_per_token` is no token.
  return { ...(redactValue(rest) as typeof rest), watch: config.watch, auth: shown }
}

/** Every value of the config with where it came from, secrets taken out. */
export function listSettings(loaded: Pick<LoadedConfig, 'config' | 'originOf'>): ShownSetting[] {
  return leaves(redactedConfig(loaded), []).map(({ path, value }) => ({
    path: describePath(path),
    value,
    origin: describeOrigin(loaded.originOf(path)),
  }))
}

function leaves(value: unknown, path: ConfigPath): { path: ConfigPath; value: unknown }[] {
  const nested = typeof value === 'object' && value !== null && Object.keys(value).length > 0
  if (!nested || (Array.isArray(value) && value.every((one) => typeof one !== 'object'))) return [{ path, value }]
  const entries: (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((one, index) => [index, one] as const)
    : Object.entries(value)
  return entries.flatMap(([key, one]) => leaves(one, [...path, key]))
}
