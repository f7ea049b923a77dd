import { usePolled } from './polled.ts'
import { refusalOf } from './rights.ts'

/** The part of `GET /config` that pages read. */
export type ConfigSettings = { readonly settings: readonly { readonly path: string; readonly value: unknown }[] }

/** The config in force; undefined where the token may not see it, or `isWanted` is false. */
export function useConfigSettings({ isWanted = true } = {}): ConfigSettings | undefined {
  const isAsked = isWanted && refusalOf('admin') === undefined
  return usePolled<ConfigSettings>(isAsked ? 'config' : undefined, { everyMs: 60_000 }).value
}

/** The files and folders that file sources read; undefined where the config is not known. */
export function watchedPaths(config: ConfigSettings | undefined): readonly string[] | undefined {
  return config?.settings.filter(({ path }) => /^sources\[\d+\]\.paths$/.test(path)).flatMap(textsIn)
}

/** The networks of `health.allow`; undefined where the config is not known. */
export function allowedNetworks(config: ConfigSettings | undefined): readonly string[] | undefined {
  return config?.settings.filter(({ path }) => path === 'health.allow').flatMap(textsIn)
}

const textsIn = ({ value }: { readonly value: unknown }) => (Array.isArray(value) ? value.map(String) : [])
