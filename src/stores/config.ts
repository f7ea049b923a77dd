import * as z from 'zod'
import { unionVariant } from '../model/schema/lazy-schema.ts'

const path = () => z.string().min(1).max(4096)

function serverFields(defaults: { readonly url: string; readonly poll: number }) {
  return {
    url: z
      .string()
      .max(4096)
      .refine((text) => /^(postgres(ql)?|mysql|mariadb):\/\//i.test(text), 'must begin with postgres:// or mysql://')
      .optional()
      .describe(`Connection URL, such as \`${defaults.url}\`. Single settings override it.`),
    host: z
      .string()
      .min(1)
      .max(253)
      .optional()
      .describe('Host name or address; a path is the folder of a Unix socket. Default: localhost.'),
    port: z
      .number()
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe('TCP port. Default: 5432 for PostgreSQL, 3306 for MySQL.'),
    name: z.string().min(1).max(253).optional().describe('Name of the database. Default: mcp_roster.'),
    user: z.string().min(1).max(253).optional().describe('User of the database.'),
    password: z.string().max(4096).optional().describe('Password of the user; preferably `${NAME}`.'),
    max_pool_size: z.number().int().min(2).max(100).default(4).describe('Maximum connections of one daemon.'),
    poll: z
      .number()
      .min(0.1)
      .max(60)
      .default(defaults.poll)
      .describe('Seconds between two reads of the writes of other replicas.'),
    timeout: z
      .number()
      .min(0.5)
      .max(300)
      .default(10)
      .describe('Seconds without a response after which the database counts as down.'),
    tls: z
      .strictObject({
        mode: z
          .enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full'])
          .default('verify-full')
          .describe('As `sslmode` of PostgreSQL; `require` encrypts without verifying the certificate.'),
        ca: path().optional().describe('File of CA certificates to trust instead of the public ones.'),
        cert: path().optional().describe('File of the client certificate.'),
        key: path().optional().describe('File of the key of the client certificate.'),
      })
      .optional()
      .describe('TLS. Default: as `sslmode` or `ssl-mode` in the URL, else none.'),
  } as const
}

// PostgreSQL notifies of writes, so it is polled less often.
const serverDefaults = {
  postgres: { url: 'postgres://user:password@host:5432/name?sslmode=verify-full', poll: 5 },
  mysql: { url: 'mysql://user:password@host:3306/name?ssl-mode=VERIFY_IDENTITY', poll: 0.2 },
}

/** Storage of registrations and of the last good readings. */
export const StoreConfig = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('memory').describe('Nothing survives a restart.') }),
  z.strictObject({
    type: z.literal('sqlite'),
    path: path()
      .default('roster.db')
      .describe('Database file on a local disk; a relative path starts at the state directory.'),
  }),
  unionVariant('postgres', () =>
    z.strictObject({ type: z.literal('postgres'), ...serverFields(serverDefaults.postgres) }),
  ),
  unionVariant('mysql', () =>
    z.strictObject({ type: z.literal('mysql').describe('MySQL or MariaDB.'), ...serverFields(serverDefaults.mysql) }),
  ),
])
export type StoreConfig = z.output<typeof StoreConfig>
export type ServerStoreConfig = Extract<StoreConfig, { type: 'postgres' | 'mysql' }>

const schemes: Readonly<Record<string, 'postgres' | 'mysql'>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mysql',
}

/**
 * The store of a URL: a bare path, `sqlite://`, `postgres://`, `postgresql://` or `mysql://`.
 *
 * An error does not repeat the URL, since it may hold a password.
 */
export function storeFromUrl(text: string): z.input<typeof StoreConfig> {
  if (text === ':memory:' || text === 'memory:' || text === 'memory://') return { type: 'memory' }
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? []
  if (scheme === undefined) return { type: 'sqlite', path: text }
  const protocol = scheme.toLowerCase().replace(/\+.*$/s, '')
  if (protocol === 'sqlite' || protocol === 'sqlite3' || protocol === 'file') return sqliteAt(rest)
  const type = schemes[protocol]
  if (type === undefined)
    throw new Error(
      `unsupported store URL "${scheme}://": use sqlite://, postgres:// or mysql://, or the path of a file`,
    )
  return { type, url: `${protocol}://${rest}` }
}

function sqliteAt(rest: string): z.input<typeof StoreConfig> {
  const file = decodeURIComponent(rest.replace(/[?#].*$/s, ''))
  if (file === ':memory:' || file === '/:memory:') return { type: 'memory' }
  return file === '' ? { type: 'sqlite' } : { type: 'sqlite', path: file.replace(/^\/+/, '/') }
}
