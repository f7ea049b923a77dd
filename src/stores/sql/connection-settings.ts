import { readFileSync } from 'node:fs'
import type { ServerStoreConfig } from '../config.ts'
import { StoreRefusal } from '../store.ts'

export type TlsSettings = {
  readonly rejectUnauthorized: boolean
  /** There where the certificate must be good, but may be another host's. */
  readonly checkServerIdentity?: () => undefined
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** Everything a driver must know to connect. */
export type ConnectionSettings = {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string | undefined
  readonly password: string | undefined
  /** Undefined: unencrypted. */
  readonly tls: TlsSettings | undefined
  /** Unencrypted will do where the server has no TLS. */
  readonly tlsOptional: boolean
  /** How messages call it: host, port and name, no secret. */
  readonly label: string
}

type Given = { -readonly [Key in 'host' | 'name' | 'user' | 'password']?: string } & {
  port?: number
  tls?: ServerStoreConfig['tls']
}

/** Brings together what the URL and the single settings say; the latter win. */
export function connectionSettings(config: ServerStoreConfig): ConnectionSettings {
  const given: Given = { ...(config.url !== undefined && partsOf(config.url)), ...defined(config) }
  const {
    host = 'localhost',
    port = config.type === 'postgres' ? 5432 : 3306,
    name = 'mcp_roster',
    user,
    password,
  } = given
  const mode = given.tls?.mode ?? 'disable'
  const label = `${config.type} at ${host.startsWith('/') ? host : `${host}:${port}`}/${name}`
  return {
    host,
    port,
    database: name,
    user,
    password,
    tls: mode === 'disable' ? undefined : tlsOf(given.tls, mode, label),
    tlsOptional: mode === 'prefer',
    label,
  }
}

function defined({ host, port, name, user, password, tls }: ServerStoreConfig): Given {
  const all = { host, port, name, user, password, tls }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** The parts of a URL. One that can't be read is refused without being repeated: it may hold a password. */
function partsOf(text: string): Given {
  if (!URL.canParse(text)) {
    throw new StoreRefusal(
      'the URL of the store cannot be read: special characters in user and password must be written as %40 and the like',
    )
  }
  const url = new URL(text)
  const query = url.searchParams
  const host = query.get('host') ?? decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '')
  const parts: Given = {}
  if (host !== '') parts.host = host
  if (url.port !== '') parts.port = Number(url.port)
  if (url.pathname.length > 1) parts.name = decodeURIComponent(url.pathname.slice(1))
  if (url.username !== '') parts.user = decodeURIComponent(url.username)
  if (url.password !== '') parts.password = decodeURIComponent(url.password)
  const tls = tlsIn(query)
  return tls ? { ...parts, tls } : parts
}

const modes: Readonly<Record<string, NonNullable<ServerStoreConfig['tls']>['mode']>> = {
  disable: 'disable',
  disabled: 'disable',
  false: 'disable',
  allow: 'prefer',
  prefer: 'prefer',
  preferred: 'prefer',
  require: 'require',
  required: 'require',
  'verify-ca': 'verify-ca',
  verify_ca: 'verify-ca',
  'verify-full': 'verify-full',
  verify_identity: 'verify-full',
  true: 'verify-full',
}

function tlsIn(query: URLSearchParams): ServerStoreConfig['tls'] {
  const said = query.get('sslmode') ?? query.get('ssl-mode') ?? query.get('ssl')
  const [ca, cert, key] = [
    query.get('sslrootcert') ?? query.get('ssl-ca'),
    query.get('sslcert') ?? query.get('ssl-cert'),
    query.get('sslkey') ?? query.get('ssl-key'),
  ]
  if (said === null && ca === null) return undefined
  const mode = modes[(said ?? 'verify-full').toLowerCase()]
  if (mode === undefined)
    throw new StoreRefusal(
      `the URL of the store asks for the sslmode "${said}": use disable, prefer, require, verify-ca or verify-full`,
    )
  return { mode, ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) }
}

function tlsOf(tls: ServerStoreConfig['tls'], mode: string, label: string): TlsSettings {
  const read = (path: string | undefined) => (path === undefined ? undefined : readCertificate(path, label))
  const [ca, cert, key] = [read(tls?.ca), read(tls?.cert), read(tls?.key)]
  return {
    rejectUnauthorized: mode.startsWith('verify'),
    ...(mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  }
}

function readCertificate(path: string, label: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new StoreRefusal(`the TLS file ${path} for ${label} cannot be read`, { cause })
  }
}
