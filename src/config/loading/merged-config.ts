import type * as z from 'zod'
import { valueKindOf, type ConfigPath, readText, schemaAt, valueAt } from '../schema-paths.ts'
import type { SettingOrigin, Setting } from '../setting-origin.ts'
import type { ConfigDocument } from './document.ts'

/** Settings of all layers, later ones over earlier ones. */
export type MergedConfig = {
  readonly value: Record<string, unknown>
  /** The layer that set `path`; the default where none did. */
  readonly originOf: (path: ConfigPath) => SettingOrigin
  /** The origin to report for a problem at `path`: that of the setting, or of the section around it. */
  readonly problemOrigin: (path: ConfigPath) => SettingOrigin
}

/**
 * Merges `settings` over the values of the file. A later setting overrides an earlier one; a default never overrides.
 *
 * A list, or a section given as a whole, replaces the previous one.
 */
export function mergeConfig(
  document: Pick<ConfigDocument, 'value' | 'has' | 'lineOf'> | undefined,
  file: string | undefined,
  settings: readonly Setting[],
): MergedConfig {
  // A section whose settings are all commented out is `null` in YAML, and counts as absent.
  const sections = Object.entries(document?.value ?? {}).filter(([, section]) => section !== null)
  const value = structuredClone(Object.fromEntries(sections))
  const given = new Map<string, Setting>()
  for (const setting of settings) {
    const { path, origin } = setting
    if (origin.from === 'default' && valueAt(value, path) !== undefined) continue
    put(value, path, setting.value)
    for (const key of given.keys()) if (key.startsWith(`${keyOf(path)}\0`)) given.delete(key)
    given.set(keyOf(path), setting)
  }

  function givenFor(path: ConfigPath): Setting | undefined {
    for (let length = path.length; length > 0; length--) {
      const setting = given.get(keyOf(path.slice(0, length)))
      if (setting) return setting
    }
    return undefined
  }

  function originOf(path: ConfigPath): SettingOrigin {
    const setting = givenFor(path)
    if (setting) {
      const isSet = valueAt(setting.value, path.slice(setting.path.length)) !== undefined
      return isSet ? setting.origin : { from: 'default' }
    }
    return file !== undefined && document?.has(path)
      ? { from: 'file', file, line: document.lineOf(path) }
      : { from: 'default' }
  }

  function problemOrigin(path: ConfigPath): SettingOrigin {
    const setting = givenFor(path)
    if (setting) return setting.origin
    return file !== undefined && document ? { from: 'file', file, line: document.lineOf(path) } : { from: 'default' }
  }

  return { value, originOf, problemOrigin }
}

const keyOf = (path: ConfigPath) => path.join('\0')

function put(target: Record<string, unknown>, path: ConfigPath, value: unknown): void {
  let inner: Record<string | number, unknown> = target
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(inner, step) ? inner[step] : (inner[step] = {})
    // Anything but a section stays, and the schema rejects it.
    if (typeof next !== 'object' || next === null) return
    inner = next as Record<string, unknown>
  }
  const last = path.at(-1)
  if (last !== undefined) inner[last] = value
}

/** Reads the text of a placeholder as the type of the setting: `port: ${PORT}` is a number. */
export function readPlaceholders(
  schema: z.ZodType,
  value: Record<string, unknown>,
  paths: readonly ConfigPath[],
): void {
  for (const path of paths) {
    const text = valueAt(value, path)
    const setting = schemaAt(schema, path, value)
    const kind = setting && valueKindOf(setting)
    if (typeof text !== 'string' || kind === undefined || kind === 'data' || kind === 'text') continue
    put(value, path, readText(text, kind) ?? text)
  }
}
