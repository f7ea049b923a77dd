import path from 'node:path'
import type { Setting } from '../setting-origin.ts'
import type { VariableLookup } from './variable-lookup.ts'

/**
 * The store in the variables of the replaced systems: `DATABASE_URL`, else `DATABASE_TYPE` with its parts.
 *
 * Calls `warn` for parts without a type, which have no effect.
 */
export function storeFromVariables(
  lookup: VariableLookup,
  { cwd, warn }: { cwd: string; warn: (name: string, message: string) => void },
): Setting | { readonly name: string; readonly problem: string } | undefined {
  const url = lookup('DATABASE_URL')
  if (url) return settingOf(url.name, fromUrl(url.text.trim(), cwd))
  const file = lookup('DATABASE_PATH', 'DB_PATH')
  const type = lookup('DATABASE_TYPE', 'DB_TYPE')
  if (type) return settingOf(type.name, fromParts(type.text.trim().toLowerCase(), lookup, file?.text, cwd))
  if (file) return settingOf(file.name, sqlite(file.text, cwd))
  const host = lookup('DATABASE_HOST', 'DB_HOST')
  if (host) warn(host.name, 'has no effect without DATABASE_TYPE (sqlite, postgres or mysql)')
  return undefined
}

function settingOf(name: string, value: object | undefined): Setting | { name: string; problem: string } {
  if (value) return { path: ['store'], value, origin: { from: 'environment', name } }
  const problem = 'unsupported database; use a path, sqlite://, postgres:// or mysql://'
  return { name, problem: name.endsWith('TYPE') ? 'must be sqlite, postgres, mysql or memory' : problem }
}

function fromUrl(text: string, cwd: string): object | undefined {
  // SQLAlchemy adds a driver: `postgresql+asyncpg://`.
  const [, scheme, rest = ''] = /^([a-z][a-z0-9]*)(?:\+[a-z0-9]+)?:(.*)$/is.exec(text) ?? []
  if (scheme === undefined || /^[a-z]:[\\/]/i.test(text))
    return text === ':memory:' ? { type: 'memory' } : sqlite(text, cwd)
  const protocol = scheme.toLowerCase()
  if (protocol === 'sqlite' || protocol === 'file') {
    // SQLAlchemy's `sqlite:///./registry.db` is a relative path.
    const file = rest.replace(/^\/+(?=\.\.?\/)|^\/\/(?=[^/])|^\/{2,}(?=\/)/, '')
    return sqlite(file, cwd)
  }
  if (protocol === 'postgres' || protocol === 'postgresql') return { type: 'postgres', url: `${protocol}:${rest}` }
  if (protocol === 'mysql' || protocol === 'mariadb') return { type: 'mysql', url: `${protocol}:${rest}` }
  return undefined
}

/** As in the replaced systems, a relative path starts at the working directory. */
function sqlite(text: string, cwd: string): object {
  const file = text.replace(/\?.*$/s, '')
  if (file === '' || /^\/*:memory:$/.test(file)) return { type: 'memory' }
  return { type: 'sqlite', path: path.resolve(cwd, file) }
}

function fromParts(type: string, lookup: VariableLookup, file: string | undefined, cwd: string): object | undefined {
  if (type === 'memory') return { type: 'memory' }
  if (type === 'sqlite' || type === 'sqlite3') return file === undefined ? { type: 'sqlite' } : sqlite(file, cwd)
  const postgres = type === 'postgres' || type === 'postgresql'
  if (!postgres && type !== 'mysql' && type !== 'mariadb') return undefined
  const part = (key: string) => lookup(`DATABASE_${key}`, `DB_${key}`)?.text
  const user = encodeURIComponent(part('USER') ?? (postgres ? 'postgres' : 'root'))
  const password = part('PASSWORD')
  const name = encodeURIComponent(part('NAME') ?? 'registry')
  const host = `${part('HOST') ?? 'localhost'}:${part('PORT') ?? (postgres ? 5432 : 3306)}`
  const secret = password === undefined ? '' : `:${encodeURIComponent(password)}`
  return {
    type: postgres ? 'postgres' : 'mysql',
    url: `${postgres ? 'postgres' : 'mysql'}://${user}${secret}@${host}/${name}`,
  }
}
