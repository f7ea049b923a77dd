import * as z from 'zod'
import { duration } from '../model/duration.ts'
import { lazily, section } from '../model/later.ts'
import { Namespace } from '../model/names.ts'

export const Tls = lazily(() =>
  z.strictObject({
    cert: z.string().min(1).describe('PEM file with the certificate and its chain. Read again when it changes.'),
    key: z.string().min(1).describe('PEM file with the private key. Read again when it changes.'),
  }),
)
export type Tls = z.output<typeof Tls>

/** Where the daemon answers. */
export const Listen = z.strictObject({
  host: z
    .string()
    .min(1)
    .max(253)
    .overwrite((host) => host.replace(/^\[(.*)\]$/, '$1'))
    .default('localhost')
    .describe('Address or name to listen on. In a container or a cluster the default is `0.0.0.0`.'),
  port: z.number().int().min(0).max(65_535).default(8000).describe('TCP port; 0 takes a free one.'),
  hosts: z
    .array(z.string().min(1).max(253))
    .default([])
    .describe('Further names that a request may call this daemon by (`Host`) while it listens on loopback only.'),
  name: z
    .string()
    .min(1)
    .max(253)
    .default('mcp-roster')
    .describe('What this registry calls itself, to people and to agents.'),
  tls: Tls.optional().describe('Serve HTTPS. Without it, plain HTTP.'),
})
export type Listen = z.output<typeof Listen>

export const Role = z.enum(['none', 'reader', 'registrar', 'admin'])
export type Role = z.output<typeof Role>

const Secret = lazily(() =>
  z
    .string()
    .min(1)
    .max(4096)
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces, since it travels in a header'),
)

export function isToken(text: string): boolean {
  return Secret.safeParse(text).success
}

/** How often somebody may ask. */
export const Rate = lazily(() =>
  z.strictObject({
    requests_per_second: z
      .number()
      .min(0.001)
      .max(1_000_000)
      .describe('On average. What comes sooner is a 429 that says when to come back.'),
    burst: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('How many may come at once. Default: as many as in a second.'),
  }),
)
export type Rate = z.output<typeof Rate>

/** One token and what it may do. */
export const TokenGrant = lazily(() =>
  z
    .strictObject({
      name: z.string().min(1).max(253).describe('What the audit log calls whoever sends it.'),
      token: Secret.optional().describe('Sent as `Authorization: Bearer TOKEN`. Better written as `${NAME}`.'),
      token_file: z
        .string()
        .min(1)
        .max(4096)
        .optional()
        .describe('A file with the token, or with several, one per line; read again when it changes.'),
      role: Role.exclude(['none']).default('reader').describe('What it may do: read, register agents, or everything.'),
      namespaces: z
        .array(Namespace)
        .optional()
        .describe('The only namespaces it may change, or see secrets of. Default: all.'),
      secrets: z
        .boolean()
        .default(false)
        .describe('Whether it may read secrets unredacted (`?secrets=true`), audited.'),
      rate: Rate.optional().describe('How often it may ask, instead of `limits.rate`.'),
      most_agents: z
        .number()
        .int()
        .min(0)
        .max(10_000_000)
        .optional()
        .describe('How many agents it may hold at once. Default: as many as there may be.'),
    })
    .refine(({ token, token_file }) => (token === undefined) !== (token_file === undefined), {
      path: ['token'],
      error: 'give either "token" or "token_file"',
    }),
)
export type TokenGrant = z.output<typeof TokenGrant>

/** What a token may would else depend on which of its grants is found first. */
function refuseTwins(grants: readonly TokenGrant[], context: z.core.$RefinementCtx): void {
  const first = new Map<string, number>()
  for (const [index, { token }] of grants.entries()) {
    const twin = token === undefined ? undefined : first.get(token)
    const message = `is the token of auth.tokens[${twin}] already; each may be given once`
    if (twin !== undefined) context.addIssue({ code: 'custom', path: [index, 'token'], message })
    else if (token !== undefined) first.set(token, index)
  }
}

const usualAuth = { tokens: [] }

/** Who may do what. */
export const Auth = section(usualAuth, () =>
  z.strictObject({
    token: Secret.optional().describe('One token with the role `admin`, the short way (`AUTH_TOKEN`).'),
    tokens: z
      .array(TokenGrant)
      .max(10_000)
      .superRefine(refuseTwins)
      .default(usualAuth.tokens)
      .describe('Tokens, each with its role.'),
    anonymous: Role.optional().describe(
      'The role of whoever sends no token. Default: without tokens everything on loopback and `reader` elsewhere; with tokens `reader`.',
    ),
  }),
)
export type Auth = z.output<typeof Auth>

/** The tokens of the config in one list. */
export function tokensOf({ token, tokens }: Auth): readonly TokenGrant[] {
  if (token === undefined) return tokens
  return [{ name: 'admin', token, role: 'admin', secrets: false }, ...tokens]
}

const usualCors = {
  enabled: true,
  origins: [],
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  headers: [
    'Authorization',
    'Content-Type',
    'If-Match',
    'If-None-Match',
    'Last-Event-ID',
    'Mcp-Protocol-Version',
    'Mcp-Method',
    'Mcp-Name',
  ],
}

/** What pages of other origins may read. */
export const Cors = section(usualCors, () =>
  z.strictObject({
    enabled: z
      .boolean()
      .default(usualCors.enabled)
      .describe('Off: pages of other origins read only `/v0.1`, `/v0`, `/.well-known`.'),
    origins: z
      .array(z.string().min(1).max(2048))
      .default(usualCors.origins)
      .describe('Origins such as `https://portal.example`, or `*`. `*` never allows writing.'),
    methods: z.array(z.string().min(1).max(32)).default(usualCors.methods).describe('Methods that a page may use.'),
    headers: z
      .array(z.string().min(1).max(253))
      .default(usualCors.headers)
      .describe('Request headers that a page may send.'),
  }),
)
export type Cors = z.output<typeof Cors>

const usualLimits = {
  body_bytes: 1_048_576,
  header_bytes: 16_384,
  url_length: 8192,
  parameters: 100,
  connections: 20_000,
  header_timeout: 10,
  request_timeout: 60,
  keep_alive: 75,
  idle_timeout: 120,
}

/** How much one request may ask of the daemon. */
export const Limits = section(usualLimits, () =>
  z.strictObject({
    body_bytes: z
      .number()
      .int()
      .min(1024)
      .max(104_857_600)
      .default(usualLimits.body_bytes)
      .describe('Longest body of a request. A longer one is a 413.'),
    header_bytes: z
      .number()
      .int()
      .min(1024)
      .max(1_048_576)
      .default(usualLimits.header_bytes)
      .describe('Longest header of a request, its first line included. A longer one is a 431.'),
    url_length: z
      .number()
      .int()
      .min(256)
      .max(1_048_576)
      .default(usualLimits.url_length)
      .describe('Longest target. A longer one is a 414.'),
    parameters: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(usualLimits.parameters)
      .describe('Most query parameters of a request.'),
    rate: Rate.optional().describe(
      'How often one token may ask, and one address without a token. Default: as often as it likes.',
    ),
    connections: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(usualLimits.connections)
      .describe('Most open connections. Further ones are closed at once.'),
    header_timeout: duration({ min: 1, max: 600 })
      .default(usualLimits.header_timeout)
      .describe('How long the header of a request may take.'),
    request_timeout: duration({ min: 1, max: 3600 })
      .default(usualLimits.request_timeout)
      .describe('How long a whole request may take to arrive.'),
    keep_alive: duration({ min: 0, max: 3600 })
      .default(usualLimits.keep_alive)
      .describe('How long an idle connection is kept open.'),
    idle_timeout: duration({ min: 10, max: 86_400 })
      .default(usualLimits.idle_timeout)
      .describe('A connection on which nothing moves for this long is cut, however slowly its other side reads.'),
  }),
)
export type Limits = z.output<typeof Limits>

/** How servers are published: at `/v0.1/servers` and `/.well-known/ai-catalog.json`. */
export const Publish = section({}, () =>
  z.strictObject({
    domain: z
      .string()
      .max(100)
      .regex(
        /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/i,
        'must be a DNS name, such as roster.example.org',
      )
      .optional()
      .describe(
        'The DNS name in whose name servers are published: `roster.example.org` makes `org.example.roster/weather`. Default: `listen.name`, with `.internal` after it if it has no dot.',
      ),
  }),
)
export type Publish = z.output<typeof Publish>

const usualWatch = {
  buffer_bytes: 1_048_576,
  watchers: 15_000,
  watchers_per_token: 5000,
  history_bytes: 16_777_216,
}

/** How much watchers may ask of the daemon. */
export const Watch = section(usualWatch, () =>
  z.strictObject({
    buffer_bytes: z
      .number()
      .int()
      .min(65_536)
      .max(1_073_741_824)
      .default(usualWatch.buffer_bytes)
      .describe('What may wait for one slow watcher. One that falls further behind is cut and resumes.'),
    watchers: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(usualWatch.watchers)
      .describe('Most watchers. A further one is a 503.'),
    watchers_per_token: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(usualWatch.watchers_per_token)
      .describe('Most watchers of one token. A further one is a 429.'),
    history_bytes: z
      .number()
      .int()
      .min(65_536)
      .max(1_073_741_824)
      .default(usualWatch.history_bytes)
      .describe('Changes kept for watchers that come back. One that comes later begins anew.'),
  }),
)
export type Watch = z.output<typeof Watch>
