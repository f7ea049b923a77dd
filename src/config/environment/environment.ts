import { closest } from 'fastest-levenshtein'
import { firstOfEach, formerPaths, toCurrentKeys } from '../renamed-keys.ts'
import { type ConfigPath, type ValueKind, leavesOf, type Leaf, readText, schemaAt } from '../schema-paths.ts'
import { Config } from '../schema.ts'
import { type ConfigProblem, describePath, type Setting } from '../setting-origin.ts'
import { storeFromVariables } from './database-variables.ts'
import { type ReplacedVariable, replacedVariables } from './replaced-systems.ts'
import { createVariableLookup, type Environment, type VariableValue } from './variable-lookup.ts'

const prefix = 'MCP_ROSTER_'
/** Variables that are not settings: the path of the config, and the daemon that the command line talks to. */
const otherVariables = new Set(['MCP_ROSTER_CONFIG', 'MCP_ROSTER_URL', 'MCP_ROSTER_TOKEN'])
/** Variables that Kubernetes sets for a Service named `mcp-roster`. */
const serviceLink =
  /^MCP_ROSTER(?:(?:_.*)?_SERVICE_PORT_.*|(?:_.*)?_(?:SERVICE_HOST|SERVICE_PORT|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?))$/s

/** The name of the environment variable for the setting at `path`. */
export function variableOf(path: readonly string[]): string {
  return prefix + path.join('_').toUpperCase()
}

/** Every setting that has a variable. */
export function settingVariables(): ReadonlyMap<string, Leaf> {
  return new Map(leavesOf(Config).map((leaf) => [variableOf(leaf.path), leaf]))
}

/** Former names of variables, each with the current one. */
function formerVariables(): ReadonlyMap<string, string> {
  const leaves = [...settingVariables()]
  return new Map(leaves.flatMap(([name, { path }]) => formerPaths(path).map((former) => [variableOf(former), name])))
}

export type EnvironmentSettings = {
  readonly settings: readonly Setting[]
  readonly problems: readonly ConfigProblem[]
  /** Logged at start. */
  readonly warnings: readonly string[]
  /** Variables without effect. */
  readonly notes: readonly string[]
}

/** Reads the settings in the environment. `MCP_ROSTER_` variables override those of the replaced systems. */
export async function readEnvironment(env: Environment, { cwd }: { cwd: string }): Promise<EnvironmentSettings> {
  const settings: Setting[] = []
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const notes: string[] = []
  /** By the current name of a variable: the former one that was read. */
  const formerNames = new Map<string, string>()
  const lookup = createVariableLookup(env, {
    onUnreadable: (name, reason) => addProblem(name, [], `cannot read the file that it names (${reason})`),
    onIgnoredFile: (name) => warnings.push(`${name} is set, so ${name}_FILE is ignored; unset one of them`),
  })

  function addProblem(name: string, path: ConfigPath, message: string): void {
    problems.push({ origin: { from: 'environment', name }, path, message })
  }

  function addSetting({ name }: VariableValue, { path, kind }: Leaf, value: unknown): void {
    if (value === undefined) addProblem(name, path, `must be ${nouns[kind]}`)
    else settings.push({ path, value, origin: { from: 'environment', name } })
  }

  function readReplaced({ names, path, kind = 'text', read, note }: ReplacedVariable): void {
    const variable = lookup(...names)
    if (!variable) return
    const warning = note?.(variable.text)
    if (path && schemaAt(Config, path, undefined)) {
      addSetting(variable, { path, kind }, read ? read(variable.text) : readText(variable.text, kind))
    } else if (warning !== undefined) warnings.push(`${variable.name} ${warning}`)
    else notes.push(`${variable.name} is accepted and has no effect`)
  }

  function readDatabase(): void {
    const database = storeFromVariables(lookup, { cwd, warn: (name, message) => warnings.push(`${name} ${message}`) })
    if (database && 'problem' in database) addProblem(database.name, ['store'], database.problem)
    else if (database) settings.push(database)
  }

  async function readOwn(): Promise<void> {
    const names = Object.keys(env).filter((name) => name.startsWith(prefix) && !otherVariables.has(name) && env[name])
    if (names.length === 0) return
    const leaves = settingVariables()
    const former = formerVariables()
    for (const written of names) {
      const name = leaves.has(written) || former.has(written) ? written : written.replace(/_FILE$/, '')
      const current = former.get(name) ?? name
      const leaf = leaves.get(current)
      const variable = leaf && lookup(name)
      if (variable && current !== name && !isOnlyName(variable, leaf, current)) continue
      if (variable) addSetting(variable, leaf, await valueOf(variable, leaf))
      else if (!leaf && !serviceLink.test(written)) {
        warnings.push(`unknown variable ${written}; did you mean ${closest(name, [...leaves.keys()])}?`)
      }
    }
  }

  async function valueOf(variable: VariableValue, { path, kind }: Leaf): Promise<unknown> {
    if (kind !== 'data') return readText(variable.text, kind)
    return withCurrentKeys(variable, path, await parseYaml(variable.text))
  }

  /** Whether a variable under a former name may be read: the setting must not be set under another name too. */
  function isOnlyName({ name }: VariableValue, { path }: Leaf, current: string): boolean {
    const other = lookup(current)?.name ?? formerNames.get(current) ?? name
    formerNames.set(current, name)
    if (other !== name) addProblem(name, path, `is a former name of ${current}, and ${other} is set too; unset ${name}`)
    else warnings.push(`${name} is deprecated; use ${current}${/_FILE$/.exec(name)?.[0] ?? ''}`)
    return other === name
  }

  function withCurrentKeys({ name }: VariableValue, path: readonly string[], data: unknown): unknown {
    const { value, former, conflicts } = toCurrentKeys(data, path)
    for (const { written, current } of firstOfEach(former))
      warnings.push(`${name}: ${describePath(written)} is deprecated; use ${describePath(current)}`)
    for (const { written, current } of conflicts)
      addProblem(name, written, `is the former name of ${describePath(current)}, which is set too; remove one of them`)
    return value
  }

  if (env['AUTH_TOKEN'] === '' && !env['AUTH_TOKEN_FILE'])
    warnings.push('AUTH_TOKEN is empty and counts as unset: no token is needed')
  for (const variable of replacedVariables) readReplaced(variable)
  readDatabase()
  await readOwn()
  return { settings, problems, warnings: [...new Set(warnings)], notes }
}

const nouns: Readonly<Record<ValueKind, string>> = {
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list, separated by commas',
  data: 'YAML',
}

async function parseYaml(text: string): Promise<unknown> {
  // Few starts need the parser here, and it takes time to load.
  const { default: yaml } = await import('yaml')
  try {
    return yaml.parse(text, { logLevel: 'error', maxAliasCount: 100 }) as unknown
  } catch {
    return undefined // Reported as "must be YAML".
  }
}
