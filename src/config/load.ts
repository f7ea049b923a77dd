import { existsSync } from 'node:fs'
import path from 'node:path'
import { zodMessage } from '../model/schema/zod-messages.ts'
import { readEnvironment } from './environment/environment.ts'
import { readConfigFile } from './loading/config-file.ts'
import { defaultHost, defaultSources, withPaths } from './loading/defaults.ts'
import type { ConfigDocument, Environment } from './loading/document.ts'
import { mergeConfig, readPlaceholders } from './loading/merged-config.ts'
import { detectPlatform, type Platform } from './loading/platform.ts'
import { explainIssue } from './loading/schema-issues.ts'
import { firstOfEach } from './renamed-keys.ts'
import { type ConfigPath, readText } from './schema-paths.ts'
import { Config } from './schema.ts'
import {
  ConfigError,
  type ConfigProblem,
  describePath,
  describeProblem,
  type SettingOrigin,
  type Setting,
} from './setting-origin.ts'

/** What the command line says to the daemon. */
export type Flags = {
  readonly config?: string | undefined
  readonly host?: string | undefined
  readonly port?: string | undefined
  readonly logLevel?: string | undefined
  /** Directories, files and globs to watch instead of those of the `file` source. */
  readonly paths?: readonly string[] | undefined
}

export type LoadedConfig = {
  readonly config: Config
  /** The file it came from, or that would be read if it were there; absolute. */
  readonly file: string | undefined
  /** What the file said; empty where there is none. */
  readonly text: string
  readonly originOf: (path: ConfigPath) => SettingOrigin
  /** What the operator should hear of, once. */
  readonly warnings: readonly string[]
  /** What was accepted and has no effect. */
  readonly notes: readonly string[]
  /** Where the daemon keeps what must survive it; may not exist yet. */
  readonly stateDirectory: string
}

const usualFile = '/etc/mcp-roster/config.yaml'

/**
 * Reads the config from flags, environment, file and defaults; the first of them that says something wins.
 *
 * Throws a `ConfigError` that names every problem with the place it comes from.
 */
export async function loadConfig({
  flags = {},
  env = process.env,
  place = detectPlatform(env),
  usual = usualFile,
}: { flags?: Flags; env?: Environment; place?: Platform; usual?: string } = {}): Promise<LoadedConfig> {
  const file = fileOf(flags, env, place, usual)
  const text = file === undefined ? '' : await readConfigFile(file)
  const document =
    file === undefined ? undefined : (await import('./loading/document.ts')).parseConfig(text, { file, env })
  const { settings, problems, warnings, notes } = await readEnvironment(env, place)
  const { value, originOf, placeOf } = mergeConfig(document, file, [
    ...fromPlace(place),
    ...settings,
    ...fromFlags(flags),
  ])
  if (document) readPlaceholders(Config, value, document.expanded)
  if (flags.paths?.length) value['sources'] = withPaths(value['sources'], flags.paths, place)
  value['store'] = withType(value['store'])

  const { data, error } = Config.safeParse(value, { error: zodMessage, jitless: true })
  const complaints = error ? error.issues.flatMap((issue) => explainIssue(Config, value, issue)) : twinsIn(data.sources)
  const all = [...problems, ...complaints.map(({ path, message }) => ({ path, message, origin: placeOf(path) }))]
  if (!data || all.length > 0) throw new ConfigError(all)
  return {
    config: absolute(data, place, file),
    file,
    text,
    originOf,
    warnings: [...formerKeyWarnings(document, file), ...warnings],
    notes,
    stateDirectory: place.stateDirectory,
  }
}

/** One warning for each former key in the file. */
function formerKeyWarnings(document: ConfigDocument | undefined, file = ''): string[] {
  return firstOfEach(document?.formerKeys ?? []).map(({ written, current }) =>
    describeProblem({
      origin: { from: 'file', file, line: document?.lineOf(current) ?? 1 },
      path: written,
      message: `is deprecated; use ${describePath(current)}`,
    }),
  )
}

function fileOf(flags: Flags, env: Environment, { cwd }: Platform, usual: string): string | undefined {
  const asked = flags.config ?? (env['MCP_ROSTER_CONFIG'] || undefined)
  if (asked !== undefined) return path.resolve(cwd, asked)
  return existsSync(usual) ? usual : undefined
}

function fromPlace(place: Platform): Setting[] {
  const { host, why } = defaultHost(place)
  return [
    { path: ['listen', 'host'], value: host, origin: { from: 'default', ...(why && { why }) } },
    { path: ['sources'], value: defaultSources(place), origin: { from: 'default' } },
  ]
}

function fromFlags({ host, port, logLevel }: Flags): Setting[] {
  const flag = (name: string, path: ConfigPath, value: unknown): Setting[] =>
    value === undefined ? [] : [{ path, value, origin: { from: 'flag', name } }]
  return [
    ...flag('--host', ['listen', 'host'], host),
    ...flag('--port', ['listen', 'port'], port === undefined ? undefined : (readText(port, 'number') ?? port)),
    ...flag('--log-level', ['log', 'level'], logLevel),
  ]
}

/** A store that says where it is need not say what it is. */
function withType(store: unknown): unknown {
  if (store === undefined) return { type: 'sqlite' }
  if (typeof store !== 'object' || store === null || 'type' in store || 'url' in store) return store
  return { type: 'sqlite', ...store }
}

/** Names are how people and answers speak of a source, so no two may share one. */
function twinsIn(sources: Config['sources']): Pick<ConfigProblem, 'path' | 'message'>[] {
  const first = new Map<string, number>()
  return sources.flatMap(({ name }, index) => {
    const taken = first.get(name)
    if (taken === undefined) first.set(name, index)
    if (taken === undefined) return []
    const message = `"${name}" is the name of sources[${taken}] already; give one of them another name`
    return [{ path: ['sources', index, 'name'], message }]
  })
}

/** Paths in a file are meant from where the file is, the database's from the state directory. */
function absolute(config: Config, place: Platform, file: string | undefined): Config {
  const base = file === undefined ? place.cwd : path.dirname(file)
  const from = (one: string) => (/^~(\/|$)/.test(one) ? path.join(place.home, one.slice(1)) : path.resolve(base, one))
  const { tls } = config.listen
  const tokens = config.auth.tokens.map((grant) =>
    grant.token_file === undefined ? grant : { ...grant, token_file: from(grant.token_file) },
  )
  return {
    ...config,
    auth: { ...config.auth, tokens },
    listen: tls ? { ...config.listen, tls: { cert: from(tls.cert), key: from(tls.key) } } : config.listen,
    sources: config.sources.map((source) =>
      source.type === 'file' ? { ...source, paths: (source.paths ?? place.filePaths).map(from) } : source,
    ),
    store:
      config.store.type === 'sqlite'
        ? { ...config.store, path: path.resolve(place.stateDirectory, config.store.path) }
        : config.store,
  }
}
