import { readFileSync } from 'node:fs'
import { closest } from 'fastest-levenshtein'
import { aliases } from './aliases.ts'
import { databaseOf } from './database.ts'
import type { Environment } from './document.ts'
import type { ConfigProblem, Setting } from './origin.ts'
import { Config } from './schema.ts'
import { type Kind, leavesOf, type Leaf, readText, schemaAt } from './shape.ts'

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
export function variables(): ReadonlyMap<string, Leaf> {
  return new Map(leavesOf(Config).map((leaf) => [variableOf(leaf.path), leaf]))
}

export type FromEnvironment = {
  readonly settings: readonly Setting[]
  readonly problems: readonly ConfigProblem[]
  /** What the operator should hear of. */
  readonly warnings: readonly string[]
  /** What was accepted, and means nothing here. */
  readonly notes: readonly string[]
}

/** What the environment says: the replaced systems' names first, then ours, which win. */
export async function readEnvironment(env: Environment, { cwd }: { cwd: string }): Promise<FromEnvironment> {
  const settings: Setting[] = []
  const problems: ConfigProblem[] = []
  const warnings: string[] = []
  const notes: string[] = []

  function lookup(...names: readonly string[]): { name: string; text: string } | undefined {
    for (const name of names) {
      const found = valueOf(name)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** An empty value is no value, and `tcp://…` is Kubernetes talking about a Service of that name. */
  function valueOf(name: string): { name: string; text: string } | undefined {
    const text = env[name]
    if (text && !/^(tcp|udp|sctp):\/\//.test(text)) return { name, text }
    const file = env[`${name}_FILE`]
    if (!file) return undefined
    try {
      return { name: `${name}_FILE`, text: readFileSync(file, 'utf8').trim() }
    } catch (error) {
      const why = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
      problem(`${name}_FILE`, [], `the file it names cannot be read (${why})`)
      return undefined
    }
  }

  function problem(name: string, path: readonly string[], message: string): void {
    problems.push({ origin: { from: 'environment', name }, path, message })
  }

  function set(name: string, path: readonly string[], value: unknown, kind: Kind): void {
    if (value === undefined)
      problem(
        name,
        path,
        `must be ${{ text: 'text', number: 'a number', boolean: 'true or false', list: 'a list', data: 'YAML' }[kind]}`,
      )
    else settings.push({ path, value, origin: { from: 'environment', name } })
  }

  for (const { names, path, kind = 'text', read, note } of aliases) {
    const found = lookup(...names)
    if (!found) continue
    const known = path && schemaAt(Config, path, undefined) !== undefined
    const said = note?.(found.text)
    if (known) set(found.name, path, read ? read(found.text) : readText(found.text, kind), kind)
    else if (said !== undefined) warnings.push(`${found.name} ${said}`)
    else notes.push(`${found.name} is accepted and has no effect`)
  }
  const database = databaseOf(lookup, { cwd, warn: (name, message) => warnings.push(`${name} ${message}`) })
  if (database && 'problem' in database) problem(database.name, ['store'], database.problem)
  else if (database) settings.push(database)

  const ours = Object.keys(env).filter((name) => name.startsWith(prefix) && !others.has(name) && env[name])
  const known = ours.length > 0 ? variables() : new Map<string, Leaf>()
  for (const given of ours) {
    const name = known.has(given) ? given : given.replace(/_FILE$/, '')
    const leaf = known.get(name)
    const found = leaf && valueOf(name)
    if (leaf && found)
      set(
        found.name,
        leaf.path,
        leaf.kind === 'data' ? await parsed(found.text) : readText(found.text, leaf.kind),
        leaf.kind,
      )
    else if (!leaf && !serviceLink.test(given)) {
      warnings.push(`${given} is no setting; did you mean ${closest(name, [...known.keys()])}?`)
    }
  }
  return { settings, problems, warnings, notes }
}

async function parsed(text: string): Promise<unknown> {
  // Hardly anybody needs the parser here, and it takes time to load.
  const { parse } = await import('yaml')
  try {
    return parse(text, { logLevel: 'silent', maxAliasCount: 100 }) as unknown
  } catch {
    return undefined // Said to the operator as "must be YAML".
  }
}
