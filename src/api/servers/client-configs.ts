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

/** How a client spells what is filled in later. */
type Dialect = {
  /** A secret that only the person at the client knows. */
  readonly secret: (variable: string, description: string) => string
  /** A variable of the client's environment, or an input it asks for. */
  readonly variable: (kind: 'env' | 'input', name: string, fallback: string | undefined) => string
}

/** What of a server a client needs. */
type Connection = Pick<
  Server,
  'name' | 'namespace' | 'type' | 'command' | 'args' | 'env' | 'cwd' | 'url' | 'headers' | 'enabled'
>

/**
 * Begins a ready configuration for a client, to which servers are added one by one; those that are disabled, or have no
 * address, are left out. They come redacted; where a secret stood, the client's own placeholder stands.
 */
export function startClientConfig(format: ConfigFormat) {
  const entries = new Map<string, object>()
  const inputs = new Map<string, Input>()
  const dialect = withNamesOfTheirOwn(dialects[format](inputs))

  function add(server: Connection): void {
    if (!server.enabled || (server.command === undefined && !/^https?:/i.test(server.url ?? ''))) return
    const name = fitName(shortId(server), entries)
    entries.set(name, entryOf(server, name, format, dialect))
  }

  function made(): object {
    const map = Object.fromEntries(entries)
    return format === 'vscode' ? { servers: map, inputs: [...inputs.values()] } : { mcpServers: map }
  }

  return { add, made }
}

const longestName = 64

/** No two secrets have one name: `a-b` and `a_b` are two servers, and one URL may hold a password and a key. */
function withNamesOfTheirOwn({ secret, variable }: Dialect): Dialect {
  const taken = new Set<string>()
  function secretOfItsOwn(base: string, description: string): string {
    let [name, number] = [base, 1]
    while (taken.has(name)) name = `${base}_${++number}`
    taken.add(name)
    return secret(name, number > 1 ? `${description} (${number})` : description)
  }
  return { secret: secretOfItsOwn, variable }
}

/** Clients make tool names of server names and take letters, digits, `_` and `-` only. */
function fitName(id: string, taken: ReadonlyMap<string, object>): string {
  const plain = id.normalize('NFKD').replaceAll(/\p{M}/gu, '')
  const base =
    plain
      .replaceAll(/[^A-Za-z0-9_-]+/g, '-')
      .replaceAll(/^-+|-+$/g, '')
      .slice(0, longestName) || 'server'
  let name = base
  for (let number = 2; taken.has(name); number += 1) name = `${base.slice(0, longestName - 6)}-${number}`
  return name
}

function entryOf(server: Connection, name: string, format: ConfigFormat, dialect: Dialect): object {
  const fill = (text: string, part: string) => filled(text, { name, part, dialect })
  const fillMap = (map: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(Object.entries(map).map(([key, value]) => [key, fill(value, key)]))
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
    url: fill(server.url ?? '', 'url'),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
  }
}

/** Names that clients fill in by themselves, wherever they stand. */
const wellKnown = new Set(['workspaceFolder', 'workspaceFolderBasename', 'userHome', 'pathSeparator', 'cwd'])

function filled(text: string, { name, part, dialect }: { name: string; part: string; dialect: Dialect }): string {
  return text.replaceAll(
    placeholder,
    (all, kind: 'env' | 'input' | undefined, variable?: string, fallback?: string) => {
      if (variable === undefined) return dialect.secret(variableOf(name, part), `${part} of ${name}`)
      if (wellKnown.has(variable)) return all
      return dialect.variable(kind ?? 'env', variable, fallback === redactedText ? undefined : fallback)
    },
  )
}

/** Named after its server too, so that no server is ever sent the secret of another. */
function variableOf(name: string, part: string): string {
  const variable = `${name}_${part}`.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_')
  return /^\d/.test(variable) ? `_${variable}` : variable
}

const shout = (name: string) => name.toUpperCase().replaceAll(/[^A-Z0-9_]+/g, '_')

const dialects: Record<ConfigFormat, (inputs: Map<string, Input>) => Dialect> = {
  claude: () => ({
    secret: (variable) => `\${${variable}}`,
    variable: (kind, name, fallback) =>
      `\${${kind === 'input' ? shout(name) : name}${fallback === undefined ? '' : `:-${fallback}`}}`,
  }),
  cursor: () => ({
    secret: (variable) => `\${env:${variable}}`,
    variable: (kind, name) => `\${env:${kind === 'input' ? shout(name) : name}}`,
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
