import { hash } from 'node:crypto'
import { mcpUrlOf } from '../../model/mcp-url.ts'
import { shortId } from '../../model/names.ts'
import { placeholder } from '../../model/redaction/placeholder.ts'
import { redactedText } from '../../model/redaction/secrets.ts'
import type { Server } from '../../model/server.ts'

export const clientFormats = ['claude', 'cursor', 'vscode'] as const
export type ConfigFormat = (typeof clientFormats)[number]

type Input = {
  readonly type: 'promptString'
  readonly id: string
  readonly description: string
  readonly password: boolean
  readonly default?: string
}

/** How a client writes the values that it fills in later. */
type Dialect = {
  /** A secret that only the user of the client knows. */
  readonly secret: (variable: string, description: string) => string
  /** A variable of the client's environment, or an input that it prompts for. */
  readonly variable: (kind: 'env' | 'input', name: string, fallback: string | undefined) => string
}

/** The fields of a server that a client needs. */
type Connection = Pick<
  Server,
  | 'name'
  | 'namespace'
  | 'discovery_method'
  | 'type'
  | 'command'
  | 'args'
  | 'env'
  | 'cwd'
  | 'url'
  | 'headers'
  | 'enabled'
>

/** Whether the author of a server may choose which variables of a client are filled in. */
type Authorship = { readonly mayNameVariables: boolean }

/**
 * Builds a ready configuration for a client. Skips servers that are disabled or have no address. The servers come redacted;
 * the client's own placeholder replaces each secret.
 *
 * A server whose author the operator does not trust with variables gets only those of its own, named `ROSTER_SERVER__VARIABLE`:
 * else it could have a client send it any variable.
 */
export function startClientConfig(format: ConfigFormat) {
  const entries = new Map<string, { readonly entry: object; readonly place: number }>()
  const inputs = new Map<string, Input>()
  const dialect = withUniqueSecrets(dialects[format](inputs))

  /** `place`: where the server stands in the config; the order of the calls decides only who gets a name. */
  function add(server: Connection, { mayNameVariables }: Authorship, place = entries.size): void {
    if (!server.enabled || (server.command === undefined && !/^https?:/i.test(server.url ?? ''))) return
    const name = fitName(server, entries)
    const fill = mayNameVariables ? trustedFill(name, dialect) : confinedFill(server, dialect)
    entries.set(name, { entry: entryOf(server, format, fill), place })
  }

  function build(): object {
    const placed = [...entries].toSorted(([, one], [, other]) => one.place - other.place)
    const map = Object.fromEntries(placed.map(([name, { entry }]) => [name, entry]))
    return format === 'vscode' ? { servers: map, inputs: [...inputs.values()] } : { mcpServers: map }
  }

  return { add, build }
}

const maxNameLength = 64

/** Gives every secret a name of its own: `a-b` and `a_b` are two servers, and one URL may hold a password and a key. */
function withUniqueSecrets({ secret, variable }: Dialect): Dialect {
  const used = new Set<string>()
  function uniqueSecret(base: string, description: string): string {
    let [name, number] = [base, 1]
    while (used.has(name)) name = `${base}_${++number}`
    used.add(name)
    return secret(name, number > 1 ? `${description} (${number})` : description)
  }
  return { secret: uniqueSecret, variable }
}

/**
 * Clients derive tool names from server names, and accept letters, digits, `_` and `-` only.
 *
 * A name that is taken gets a suffix made of the id, which nothing that comes or goes later changes. An agent has its own id or
 * the suffix: else one that registers as `team-a-maps` would take the name of `team-a/maps`.
 */
function fitName(server: Connection, used: Pick<ReadonlySet<string>, 'has'>): string {
  const id = shortId(server)
  const plain = id.normalize('NFKD').replaceAll(/\p{M}/gu, '')
  const base =
    plain
      .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
      .replaceAll(/^-+|(?<!-)-+$/g, '')
      .slice(0, maxNameLength) || 'server'
  const mayUseBase = server.discovery_method !== 'registered' || (base === id && !suffix.test(id))
  let name = mayUseBase && !used.has(base) ? base : withSuffix(base, id)
  while (used.has(name)) name = withSuffix(base, `${id} ${name}`)
  return name
}

const suffix = /-[0-9a-f]{16}$/

function withSuffix(base: string, text: string): string {
  return `${base.slice(0, maxNameLength - 17)}-${hash('sha256', text).slice(0, 16)}`
}

/** Fills the placeholders of one value; `part` names its place in the server. */
type Fill = (text: string, part: string) => string

function entryOf(server: Connection, format: ConfigFormat, fill: Fill): object {
  const fillMap = (map: Readonly<Record<string, string>> = {}) =>
    // Some clients also fill in placeholders in names.
    Object.fromEntries(
      Object.entries(map).flatMap(([key, value]) => (key.includes('${') ? [] : [[key, fill(value, key)]])),
    )
  if (server.command !== undefined) {
    return {
      ...(format === 'cursor' ? {} : { type: 'stdio' }),
      command: fill(server.command, 'command'),
      args: (server.args ?? []).map((arg, index) => fill(arg, `arg_${index + 1}`)),
      env: fillMap(server.env),
      ...(server.cwd === undefined ? {} : { cwd: fill(server.cwd, 'cwd') }),
    }
  }
  const headers = fillMap(server.headers)
  return {
    ...(format === 'cursor' ? {} : { type: server.type === 'sse' ? 'sse' : 'http' }),
    url: fill(mcpUrlOf(server) ?? '', 'url'),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
  }
}

/** Placeholders that clients fill in themselves, in any dialect. */
const builtInNames = new Set(['workspaceFolder', 'workspaceFolderBasename', 'userHome', 'pathSeparator', 'cwd'])

/** Groups of `placeholder`; all are absent for a redacted value. */
type Groups = [kind?: 'env' | 'input', variable?: string, fallback?: string]

function trustedFill(name: string, dialect: Dialect): Fill {
  return (text, part) =>
    text.replaceAll(placeholder, (all, ...[kind, variable, fallback]: Groups) => {
      if (variable === undefined) return dialect.secret(variableOf(name, part), `${part} of ${name}`)
      if (builtInNames.has(variable)) return all
      return dialect.variable(kind ?? 'env', variable, fallback === redactedText ? undefined : fallback)
    })
}

/** A placeholder, or what a client could read as one: `${command:name}`, `${A:-{}`. */
const anyPlaceholder = new RegExp(String.raw`${placeholder.source}|\$\{[^}]*\}?`, 'gi')

function confinedFill(server: Connection, dialect: Dialect): Fill {
  const id = shortId(server)
  return (text, part) =>
    text.replaceAll(anyPlaceholder, (_, ...[kind, variable, fallback]: Groups) => {
      const name = confinedVariable(server, variable ?? part)
      if (variable === undefined || kind === 'input') return dialect.secret(name, `${variable ?? part} of ${id}`)
      return dialect.variable('env', name, fallback === redactedText ? undefined : fallback)
    })
}

/**
 * A variable that only this server can name: `ROSTER_`, its id and the variable, separated by `__`. Where upper case or other
 * characters would make two servers equal, a hash tells them apart.
 */
function confinedVariable(server: Connection, variable: string): string {
  const id = shortId(server)
  const segments = [...id.split('/'), variable]
  const isPlain =
    /^[a-z0-9]+(-[a-z0-9]+)*(\/[a-z0-9]+(-[a-z0-9]+)*)?$/.test(id) && /^[a-z0-9]+([-_][a-z0-9]+)*$/i.test(variable)
  const name = ['ROSTER', segments.map(toUpperSnake).join('__')].join('_')
  return isPlain
    ? name
    : `${name}_${hash('sha256', JSON.stringify([id, variable]))
        .slice(0, 16)
        .toUpperCase()}`
}

/** The name includes the server's: a server must never get the secret of another. */
function variableOf(name: string, part: string): string {
  const variable = `${name}_${part}`.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')
  return /^\d/.test(variable) ? `_${variable}` : variable
}

const toUpperSnake = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9_]+/g, '_')

const dialects: Record<ConfigFormat, (inputs: Map<string, Input>) => Dialect> = {
  claude: () => ({
    secret: (variable) => `\${${variable}}`,
    variable: (kind, name, fallback) =>
      `\${${kind === 'input' ? toUpperSnake(name) : name}${fallback === undefined ? '' : `:-${fallback}`}}`,
  }),
  cursor: () => ({
    secret: (variable) => `\${env:${variable}}`,
    variable: (kind, name) => `\${env:${kind === 'input' ? toUpperSnake(name) : name}}`,
  }),
  vscode: (inputs) => {
    function input(id: string, rest: Omit<Input, 'type' | 'id'>): string {
      inputs.set(id, { type: 'promptString', id, ...rest })
      return `\${input:${id}}`
    }
    return {
      secret: (variable, description) =>
        input(variable.toLowerCase().replaceAll('_', '-'), { description, password: true }),
      variable: (kind, name, fallback) => {
        if (kind === 'env' && fallback === undefined) return `\${env:${name}}`
        return input(name, {
          description: name,
          password: kind === 'input',
          ...(fallback === undefined ? {} : { default: fallback }),
        })
      },
    }
  },
}
