import * as z from 'zod'
import { unionVariant } from '../model/schema/lazy-schema.ts'

const path = () => z.string().min(1).max(4096)

function remote(usual: { readonly url: string; readonly poll: number }) {
  return {
    url: z
      .string()
      .max(4096)
      .refine((text) => /^(postgres(ql)?|mysql|mariadb):\/\//i.test(text), 'must begin with postgres:// or mysql://')
      .optional()
      .describe(`Address with everything in it, such as \`${usual.url}\`. What is also given by itself wins.`),
    host: z.string().min(1).max(253).optional().describe('Default localhost; a path is the folder of a Unix socket.'),
    port: z.number().int().min(1).max(65_535).optional().describe('Default: the usual one of the database.'),
    name: z.string().min(1).max(253).optional().describe('Name of the database; default mcp_roster.'),
    user: z.string().min(1).max(253).optional().describe('User of the database.'),
    password: z.string().max(4096).optional().describe('Password of that user; better written as `${NAME}`.'),
    max_pool_size: z.number().int().min(2).max(100).default(4).describe('Connections held at most by this daemon.'),
    poll: z
      .number()
      .min(0.1)
      .max(60)
      .default(usual.poll)
      .describe('Seconds after which a write of another replica is seen at the latest.'),
    timeout: z.number().min(0.5).max(300).default(10).describe('Seconds after which a silent database counts as down.'),
    tls: z
      .strictObject({
        mode: z
          .enum(['disable', 'prefer', 'require', 'verify-ca', 'verify-full'])
          .default('verify-full')
          .describe('As `sslmode` of PostgreSQL: `require` encrypts without checking whom it talks to.'),
        ca: path().optional().describe('File of certificates to trust instead of the public ones.'),
        cert: path().optional().describe('File of the client certificate.'),
        key: path().optional().describe('File of its key.'),
      })
      .optional()
      .describe('Left out: as the URL says by `sslmode` or `ssl-mode`, else unencrypted.'),
  } as const
}

// PostgreSQL tells of writes by itself, so that it need not be asked as often.
const usual = {
  postgres: { url: 'postgres://user:password@host:5432/name?sslmode=verify-full', poll: 5 },
  mysql: { url: 'mysql://user:password@host:3306/name?ssl-mode=VERIFY_IDENTITY', poll: 1 },
}

/** Where registrations and the last good readings survive a restart. */
export const StoreConfig = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('memory').describe('Nothing survives a restart.') }),
  z.strictObject({
    type: z.literal('sqlite'),
    path: path()
      .default('roster.db')
      .describe('The database file, on a local disk; a relative path is one inside the state directory.'),
  }),
  unionVariant('postgres', () => z.strictObject({ type: z.literal('postgres'), ...remote(usual.postgres) })),
  unionVariant('mysql', () =>
    z.strictObject({ type: z.literal('mysql').describe('MySQL or MariaDB.'), ...remote(usual.mysql) }),
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
 * The store meant by a `DATABASE_URL`: a bare path, `sqlite://`, `postgres://`, `postgresql://` or `mysql://`.
 *
 * Throws, without repeating the text, for it may hold a password.
 */
export function storeFromUrl(text: string): z.input<typeof StoreConfig> {
  if (text === ':memory:' || text === 'memory:' || text === 'memory://') return { type: 'memory' }
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/is.exec(text) ?? []
  if (scheme === undefined) return { type: 'sqlite', path: text }
  const plain = scheme.toLowerCase().replace(/\+.*$/, '')
  if (plain === 'sqlite' || plain === 'sqlite3' || plain === 'file') return sqliteAt(rest)
  const type = schemes[plain]
  if (type === undefined)
    throw new Error(`"${scheme}://" names no store: use sqlite://, postgres:// or mysql://, or the path of a file`)
  return { type, url: `${plain}://${rest}` }
}

function sqliteAt(rest: string): z.input<typeof StoreConfig> {
  const file = decodeURIComponent(rest.replace(/[?#].*$/s, ''))
  if (file === ':memory:' || file === '/:memory:') return { type: 'memory' }
  return file === '' ? { type: 'sqlite' } : { type: 'sqlite', path: file.replace(/^\/+/, '/') }
}
