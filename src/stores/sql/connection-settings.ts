import { readFileSync } from 'node:fs'
import type { ServerStoreConfig } from '../config.ts'
import { StoreRefusal } from '../store.ts'

export type TlsSettings = {
  readonly rejectUnauthorized: boolean
  /** Set where the certificate must be valid, but may be of another host. */
  readonly checkServerIdentity?: () => undefined
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** Everything that a database client needs to connect. */
export type ConnectionSettings = {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string | undefined
  readonly password: string | undefined
  /** Undefined: no TLS. */
  readonly tls: TlsSettings | undefined
  /** Connect without TLS where the server does not support it. */
  readonly tlsOptional: boolean
  /** Type, host, port and name for messages; without secrets. */
  readonly label: string
}

type GivenSettings = { -readonly [Key in 'host' | 'name' | 'user' | 'password']?: string } & {
  port?: number
  tls?: ServerStoreConfig['tls']
}

/** Merges the URL with the single settings, which override it. */
export function connectionSettings(config: ServerStoreConfig): ConnectionSettings {
  const settings: GivenSettings = { ...(config.url !== undefined && parseUrl(config.url)), ...singleSettings(config) }
  const {
    host = 'localhost',
    port = config.type === 'postgres' ? 5432 : 3306,
    name = 'mcp_roster',
    user,
    password,
  } = settings
  const mode = settings.tls?.mode ?? 'disable'
  const label = `${config.type} at ${host.startsWith('/') ? host : `${host}:${port}`}/${name}`
  return {
    host,
    port,
    database: name,
    user,
    password,
    tls: mode === 'disable' ? undefined : tlsSettings(settings.tls, mode, label),
    tlsOptional: mode === 'prefer',
    label,
  }
}

function singleSettings({ host, port, name, user, password, tls }: ServerStoreConfig): GivenSettings {
  const all = { host, port, name, user, password, tls }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
}

/** Parses the URL. An error does not repeat it, since it may hold a password. */
function parseUrl(text: string): GivenSettings {
  if (!URL.canParse(text)) {
    throw new StoreRefusal(
      'invalid store URL: percent-encode special characters in user and password, such as %40 for @',
    )
  }
  const url = new URL(text)
  const query = url.searchParams
  const host = query.get('host') ?? decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '')
  const parts: GivenSettings = {}
  if (host !== '') parts.host = host
  if (url.port !== '') parts.port = Number(url.port)
  if (url.pathname.length > 1) parts.name = decodeURIComponent(url.pathname.slice(1))
  if (url.username !== '') parts.user = decodeURIComponent(url.username)
  if (url.password !== '') parts.password = decodeURIComponent(url.password)
  const tls = parseTls(query)
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

function parseTls(query: URLSearchParams): ServerStoreConfig['tls'] {
  const modeText = query.get('sslmode') ?? query.get('ssl-mode') ?? query.get('ssl')
  const [ca, cert, key] = [
    query.get('sslrootcert') ?? query.get('ssl-ca'),
    query.get('sslcert') ?? query.get('ssl-cert'),
    query.get('sslkey') ?? query.get('ssl-key'),
  ]
  if (modeText === null && ca === null) return undefined
  const mode = modes[(modeText ?? 'verify-full').toLowerCase()]
  if (mode === undefined)
    throw new StoreRefusal(
      `unsupported sslmode "${modeText}" in the store URL: use disable, prefer, require, verify-ca or verify-full`,
    )
  return { mode, ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) }
}

function tlsSettings(tls: ServerStoreConfig['tls'], mode: string, label: string): TlsSettings {
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
    throw new StoreRefusal(`cannot read the TLS file ${path} for ${label}`, { cause })
  }
}
