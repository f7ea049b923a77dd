import { existsSync } from 'node:fs'
import path from 'node:path'
import { weakTokenWarnings } from '../api/config/auth.ts'
import { electionWarning } from '../cluster/config.ts'
import { zodMessage } from '../model/schema/zod-messages.ts'
import { readEnvironment } from './environment/environment.ts'
import { anonymousOfGuide } from './environment/guide-environment.ts'
import type { Environment } from './environment/variable-lookup.ts'
import { readConfigFile } from './loading/config-file.ts'
import { defaultHost, defaultSources, withPaths } from './loading/defaults.ts'
import type { ConfigDocument } from './loading/document.ts'
import { mergeConfig, readPlaceholders } from './loading/merged-config.ts'
import { detectPlatform, type Platform } from './loading/platform.ts'
import { explainIssue, sourceProblems } from './loading/schema-issues.ts'
import { firstOfEach } from './renamed-keys.ts'
import { type ConfigPath, readText } from './schema-paths.ts'
import { Config } from './schema.ts'
import { ConfigError, describePath, describeProblem, type SettingOrigin, type Setting } from './setting-origin.ts'

/** The flags of the command line. */
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
  /** Absolute path of the config file; undefined where there is none. */
  readonly file: string | undefined
  /** The text of the file; empty where there is none. */
  readonly text: string
  readonly originOf: (path: ConfigPath) => SettingOrigin
  /** Logged once for each load. */
  readonly warnings: readonly string[]
  /** Variables that were accepted and have no effect. */
  readonly notes: readonly string[]
  /** Where the daemon stores its files; may not exist yet. */
  readonly stateDirectory: string
  /** Whether the daemon runs in a container or a cluster. */
  readonly isContained: boolean
}

/**
 * Loads the config from flags, environment, file and defaults, in this order of precedence.
 *
 * Throws a `ConfigError` with every problem and its origin.
 */
export async function loadConfig({
  flags = {},
  env = process.env,
  platform = detectPlatform(env),
  defaultFile = '/etc/mcp-roster/config.yaml',
}: { flags?: Flags; env?: Environment; platform?: Platform; defaultFile?: string } = {}): Promise<LoadedConfig> {
  const file = fileOf(flags, env, platform, defaultFile)
  const text = file === undefined ? '' : await readConfigFile(file)
  const document =
    file === undefined ? undefined : (await import('./loading/document.ts')).parseConfig(text, { file, env })
  const { settings, problems, warnings, notes } = await readEnvironment(env, platform)
  const guide = anonymousOfGuide(env, settings, document)
  const { value, originOf, problemOrigin } = mergeConfig(document, file, [
    ...platformDefaults(platform),
    ...settings,
    ...(guide ? [guide.setting] : []),
    ...flagSettings(flags),
  ])
  if (document) readPlaceholders(Config, value, document.expanded)
  if (flags.paths?.length) value['sources'] = withPaths(value['sources'], flags.paths, platform)
  value['store'] = withType(value['store'])

  const { data, error } = Config.safeParse(value, { error: zodMessage, jitless: true })
  const issues = error ? error.issues.flatMap((issue) => explainIssue(Config, value, issue)) : sourceProblems(data)
  const all = [...problems, ...issues.map(({ path, message }) => ({ path, message, origin: problemOrigin(path) }))]
  if (!data || all.length > 0) throw new ConfigError(all)
  return {
    config: withAbsolutePaths(data, platform, file),
    file,
    text,
    originOf,
    warnings: [
      ...formerKeyWarnings(document, file),
      ...warnings,
      ...(guide ? [guide.warning] : []),
      ...weakTokenWarnings(data.auth),
      ...clusterWarnings(data, originOf),
    ],
    notes,
    stateDirectory: platform.stateDirectory,
    isContained: platform.container || platform.cluster,
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

function clusterWarnings({ cluster, store }: Config, originOf: LoadedConfig['originOf']): string[] {
  const isAsked = cluster.leader_election && originOf(['cluster', 'leader_election']).from !== 'default'
  return [electionWarning({ isAsked, storeType: store.type }) ?? []].flat()
}

function fileOf(flags: Flags, env: Environment, { cwd }: Platform, defaultFile: string): string | undefined {
  const configured = flags.config ?? (env['MCP_ROSTER_CONFIG'] || undefined)
  if (configured !== undefined) return path.resolve(cwd, configured)
  return existsSync(defaultFile) ? defaultFile : undefined
}

function platformDefaults(platform: Platform): Setting[] {
  const { host, why } = defaultHost(platform)
  return [
    { path: ['listen', 'host'], value: host, origin: { from: 'default', ...(why && { why }) } },
    { path: ['sources'], value: defaultSources(platform), origin: { from: 'default' } },
  ]
}

function flagSettings({ host, port, logLevel }: Flags): Setting[] {
  const flag = (name: string, path: ConfigPath, value: unknown): Setting[] =>
    value === undefined ? [] : [{ path, value, origin: { from: 'flag', name } }]
  return [
    ...flag('--host', ['listen', 'host'], host),
    ...flag('--port', ['listen', 'port'], port === undefined ? undefined : (readText(port, 'number') ?? port)),
    ...flag('--log-level', ['log', 'level'], logLevel),
  ]
}

/** The type of a store may be left out: without a URL it is SQLite. */
function withType(store: unknown): unknown {
  if (store === undefined) return { type: 'sqlite' }
  if (typeof store !== 'object' || store === null || 'type' in store || 'url' in store) return store
  return { type: 'sqlite', ...store }
}

/** Resolves paths in the config file from its folder, and that of the database from the state directory. */
function withAbsolutePaths(config: Config, platform: Platform, file: string | undefined): Config {
  const base = file === undefined ? platform.cwd : path.dirname(file)
  const resolve = (one: string) =>
    /^~(\/|$)/.test(one) ? path.join(platform.home, one.slice(1)) : path.resolve(base, one)
  const { tls } = config.listen
  const tokens = config.auth.tokens.map((grant) =>
    grant.token_file === undefined ? grant : { ...grant, token_file: resolve(grant.token_file) },
  )
  return {
    ...config,
    auth: { ...config.auth, tokens },
    listen: tls ? { ...config.listen, tls: { cert: resolve(tls.cert), key: resolve(tls.key) } } : config.listen,
    sources: config.sources.map((source) =>
      source.type === 'file' ? { ...source, paths: (source.paths ?? platform.filePaths).map(resolve) } : source,
    ),
    store:
      config.store.type === 'sqlite'
        ? { ...config.store, path: path.resolve(platform.stateDirectory, config.store.path) }
        : config.store,
  }
}
