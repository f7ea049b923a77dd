import { isDeepStrictEqual } from 'node:util'
import type { CheckedConfig } from '../api/ports.ts'
import { redactText } from '../model/redaction/redact-text.ts'
import type { LoadedConfig } from './load.ts'
import { settingLeaves } from './redacted-config.ts'
import { type Config, settingsNeedingRestart } from './schema.ts'
import { describePath } from './setting-origin.ts'

/** Reads the config as a reload does, and says what the reload would change; never throws. */
export async function checkConfig({
  load,
  current,
  atStart,
}: {
  load: () => Promise<LoadedConfig>
  current: LoadedConfig
  atStart: LoadedConfig
}): Promise<CheckedConfig> {
  try {
    const next = await load()
    return {
      isValid: true,
      file: next.file,
      warnings: next.warnings.map(redactText),
      changed: changedSettings(current, next),
      sources: changedSources(current.config, next.config),
      needs_restart: settingsNeedingRestart(atStart.config, next.config),
    }
  } catch (error) {
    return { isValid: false, reason: error instanceof Error ? error.message : String(error) }
  }
}

/** The settings that differ, sources apart; compared as they are and shown redacted. */
function changedSettings(before: LoadedConfig, after: LoadedConfig) {
  const [old, next] = [settingsOf(before), settingsOf(after)]
  return [...new Set([...old.keys(), ...next.keys()])]
    .filter((path) => !isDeepStrictEqual(old.get(path)?.raw, next.get(path)?.raw))
    .map((path) => ({
      path,
      ...(old.has(path) && { before: old.get(path)?.shown }),
      ...(next.has(path) && { after: next.get(path)?.shown }),
    }))
}

function settingsOf({ config }: LoadedConfig): ReadonlyMap<string, { readonly shown: unknown; readonly raw: unknown }> {
  const leaves = settingLeaves({ config }).filter(({ path }) => path[0] !== 'sources')
  return new Map(
    leaves.map(({ path, value }) => [
      describePath(path),
      { shown: value, raw: path.reduce<unknown>((inner, step) => (inner as Record<string, unknown>)[step], config) },
    ]),
  )
}

function changedSources({ sources: old }: Pick<Config, 'sources'>, { sources: next }: Pick<Config, 'sources'>) {
  const before = new Map(old.map((source) => [source.name, source]))
  const after = new Map(next.map((source) => [source.name, source]))
  return {
    added: [...after.keys()].filter((name) => !before.has(name)),
    changed: [...after.keys()].filter(
      (name) => before.has(name) && !isDeepStrictEqual(before.get(name), after.get(name)),
    ),
    removed: [...before.keys()].filter((name) => !after.has(name)),
  }
}
