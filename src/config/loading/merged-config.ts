import type * as z from 'zod'
import { valueKindOf, type ConfigPath, readText, schemaAt } from '../schema-paths.ts'
import type { SettingOrigin, Setting } from '../setting-origin.ts'
import type { ConfigDocument } from './document.ts'
import { valueAt } from './schema-issues.ts'

/** What everybody said, one upon the other. */
export type MergedConfig = {
  readonly value: Record<string, unknown>
  /** Who said what stands at `path`; what nobody said comes by default. */
  readonly originOf: (path: ConfigPath) => SettingOrigin
  /** Where to look for what is wrong at `path`: who said it, or the section around it. */
  readonly placeOf: (path: ConfigPath) => SettingOrigin
}

/**
 * Lays `settings` over the file's values, the later over the earlier; those that come by default only where nothing is.
 *
 * A list or a section given as a whole replaces the one before.
 */
export function mergeConfig(
  document: Pick<ConfigDocument, 'value' | 'has' | 'lineOf'> | undefined,
  file: string | undefined,
  settings: readonly Setting[],
): MergedConfig {
  // A section whose settings are all commented out is `null` in YAML, and means none.
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
      const said = valueAt(setting.value, path.slice(setting.path.length)) !== undefined
      return said ? setting.origin : { from: 'default' }
    }
    return file !== undefined && document?.has(path)
      ? { from: 'file', file, line: document.lineOf(path) }
      : { from: 'default' }
  }

  function placeOf(path: ConfigPath): SettingOrigin {
    const setting = givenFor(path)
    if (setting) return setting.origin
    return file !== undefined && document ? { from: 'file', file, line: document.lineOf(path) } : { from: 'default' }
  }

  return { value, originOf, placeOf }
}

const keyOf = (path: ConfigPath) => path.join('\0')

function put(target: Record<string, unknown>, path: ConfigPath, value: unknown): void {
  let inner: Record<string | number, unknown> = target
  for (const step of path.slice(0, -1)) {
    const next = Object.hasOwn(inner, step) ? inner[step] : (inner[step] = {})
    // What is no section stays, for the schema to refuse.
    if (typeof next !== 'object' || next === null) return
    inner = next as Record<string, unknown>
  }
  const last = path.at(-1)
  if (last !== undefined) inner[last] = value
}

/** Text that came out of a placeholder is read as what the setting takes: `port: ${PORT}` is a number. */
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
