import { closest } from 'fastest-levenshtein'
import type { Environment } from '../loading/document.ts'
import { firstOfEach, formerPaths, toCurrentKeys } from '../renamed-keys.ts'
import { type ConfigPath, type ValueKind, leavesOf, type Leaf, readText, schemaAt } from '../schema-paths.ts'
import { Config } from '../schema.ts'
import { type ConfigProblem, describePath, type Setting } from '../setting-origin.ts'
import { storeFromVariables } from './database-variables.ts'
import { type ReplacedVariable, replacedVariables } from './replaced-systems.ts'
import { createVariableLookup, type VariableValue } from './variable-lookup.ts'

const prefix = 'MCP_ROSTER_'
/** Ours, but no settings of the daemon: which config, and which daemon the command line talks to. */
const others = new Set(['MCP_ROSTER_CONFIG', 'MCP_ROSTER_URL', 'MCP_ROSTER_TOKEN'])
/** What Kubernetes sets for a Service named `mcp-roster`. */
const serviceLink =
  /^MCP_ROSTER_(.*_)?(SERVICE_HOST|SERVICE_PORT(_.*)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/

/** The name of the environment variable for the setting at `path`. */
export function variableOf(path: readonly string[]): string {
  return prefix + path.join('_').toUpperCase()
}

/** Every setting that has a variable. */
export function settingVariables(): ReadonlyMap<string, Leaf> {
  return new Map(leavesOf(Config).map((leaf) => [variableOf(leaf.path), leaf]))
}

/** Former names of our variables, each with the current one. */
function formerVariables(): ReadonlyMap<string, string> {
  const leaves = [...settingVariables()]
  return new Map(leaves.flatMap(([name, { path }]) => formerPaths(path).map((former) => [variableOf(former), name])))
}

export type EnvironmentSettings = {
  readonly settings: readonly Setting[]
  readonly problems: readonly ConfigProblem[]
  /** What the operator should hear of. */
  readonly warnings: readonly string[]
  /** What was accepted, and means nothing here. */
  readonly notes: readonly string[]
}

/** What the environment says: the replaced systems' names first, then ours, which win. */
export async function readEnvironment(env: Environment, { cwd }: { cwd: string }): Promise<EnvironmentSettings> {
  const settings: Setting[] = []
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const notes: string[] = []
  /** By the current name of a variable: the former one that was read. */
  const readAs = new Map<string, string>()
  const lookup = createVariableLookup(env, {
    onUnreadable: (name, why) => problem(name, [], `the file it names cannot be read (${why})`),
    onTwice: (name) => warnings.push(`${name} is set, so that ${name}_FILE is not read; unset one of them`),
  })

  function problem(name: string, path: ConfigPath, message: string): void {
    problems.push({ origin: { from: 'environment', name }, path, message })
  }

  function set({ name }: VariableValue, { path, kind }: Leaf, value: unknown): void {
    if (value === undefined) problem(name, path, `must be ${nouns[kind]}`)
    else settings.push({ path, value, origin: { from: 'environment', name } })
  }

  function takeAlias({ names, path, kind = 'text', read, note }: ReplacedVariable): void {
    const found = lookup(...names)
    if (!found) return
    const said = note?.(found.text)
    if (path && schemaAt(Config, path, undefined)) {
      set(found, { path, kind }, read ? read(found.text) : readText(found.text, kind))
    } else if (said !== undefined) warnings.push(`${found.name} ${said}`)
    else notes.push(`${found.name} is accepted and has no effect`)
  }

  function takeDatabase(): void {
    const database = storeFromVariables(lookup, { cwd, warn: (name, message) => warnings.push(`${name} ${message}`) })
    if (database && 'problem' in database) problem(database.name, ['store'], database.problem)
    else if (database) settings.push(database)
  }

  async function takeOurs(): Promise<void> {
    const given = Object.keys(env).filter((name) => name.startsWith(prefix) && !others.has(name) && env[name])
    if (given.length === 0) return
    const known = settingVariables()
    const former = formerVariables()
    for (const one of given) {
      const name = known.has(one) || former.has(one) ? one : one.replace(/_FILE$/, '')
      const current = former.get(name) ?? name
      const leaf = known.get(current)
      const found = leaf && lookup(name)
      if (found && current !== name && !isOnlyName(found, leaf, current)) continue
      if (found && leaf.kind === 'data') set(found, leaf, withCurrentKeys(found, leaf, await parsed(found.text)))
      else if (found && leaf.kind !== 'data') set(found, leaf, readText(found.text, leaf.kind))
      else if (!leaf && !serviceLink.test(one)) {
        warnings.push(`${one} is no setting; did you mean ${closest(name, [...known.keys()])}?`)
      }
    }
  }

  /** Whether the variable with a former name may be read: not where the one with the current name is set too. */
  function isOnlyName(found: VariableValue, { path }: Leaf, current: string): boolean {
    const other = lookup(current)?.name ?? readAs.get(current) ?? found.name
    readAs.set(current, found.name)
    if (other !== found.name)
      problem(found.name, path, `is a former name of ${current}, and ${other} is set too; unset ${found.name}`)
    else warnings.push(`${found.name} is deprecated; use ${current}${/_FILE$/.exec(found.name)?.[0] ?? ''}`)
    return other === found.name
  }

  function withCurrentKeys({ name }: VariableValue, { path }: Leaf, data: unknown): unknown {
    const { value, former, conflicts } = toCurrentKeys(data, path)
    for (const { written, current } of firstOfEach(former))
      warnings.push(`${name}: ${describePath(written)} is deprecated; use ${describePath(current)}`)
    for (const { written, current } of conflicts)
      problem(name, written, `is the former name of ${describePath(current)}, which is set too; remove one of them`)
    return value
  }

  for (const alias of replacedVariables) takeAlias(alias)
  takeDatabase()
  await takeOurs()
  return { settings, problems, warnings: [...new Set(warnings)], notes }
}

const nouns: Readonly<Record<ValueKind, string>> = {
  text: 'text',
  number: 'a number',
  boolean: 'true or false',
  list: 'a list, separated by commas',
  data: 'YAML',
}

async function parsed(text: string): Promise<unknown> {
  // Hardly anybody needs the parser here, and it takes time to load.
  const { default: yaml } = await import('yaml')
  try {
    return yaml.parse(text, { logLevel: 'error', maxAliasCount: 100 }) as unknown
  } catch {
    return undefined // Said to the operator as "must be YAML".
  }
}
