import * as z from 'zod'
import { Namespace } from '../../model/names.ts'
import { anonymousName, Role } from '../../model/principal.ts'
import { configSection } from '../../model/schema/lazy-schema.ts'

const tokenRemedy = 'use one of your own, such as the output of `openssl rand -hex 32`'

const Secret = z.lazy(() =>
  z
    .string()
    .min(1)
    .max(4096)
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces, as a header value')
    .refine((text) => !isPlaceholder(text), `is the placeholder of the example; ${tokenRemedy}`),
)

/** Whether a token is the placeholder of our example, in any spelling. */
function isPlaceholder(text: string): boolean {
  return text.replaceAll(/[^a-z]/gi, '').toLowerCase() === 'changeme' && !/\d/.test(text)
}

export function isToken(text: string): boolean {
  return Secret.safeParse(text).success
}

/** The request rate of one token or one address. */
export const Rate = z.lazy(() =>
  z.strictObject({
    requests_per_second: z
      .number()
      .min(0.001)
      .max(1_000_000)
      .describe('Mean number of requests per second. A request above it gets 429 with `Retry-After`.'),
    burst: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('Maximum number of requests at once. Default: those of one second.'),
  }),
)
export type Rate = z.output<typeof Rate>

/** One token with its role, rights and limits. */
export const TokenGrant = z.lazy(() =>
  z
    .strictObject({
      name: z.string().min(1).max(253).describe('Name of the token in the audit log.'),
      token: Secret.optional().describe(
        'The token, sent as `Authorization: Bearer TOKEN`, or as the password of the URL (`http://agent:TOKEN@roster:8000`) by clients that know no tokens. Preferably a reference such as `${NAME}`.',
      ),
      token_file: z
        .string()
        .min(1)
        .max(4096)
        .optional()
        .describe('A file with one token per line. The daemon reads it again when it changes.'),
      role: Role.exclude(['none'])
        .default('reader')
        .describe('The role: `reader` reads, `registrar` also registers agents, `admin` does everything.'),
      namespaces: z
        .array(Namespace)
        .optional()
        .describe('Namespaces that the token may change, and whose secrets it may read. Default: all.'),
      secrets: z
        .boolean()
        .default(false)
        .describe('Whether the token may read unredacted secrets (`?secrets=true`). Each such read is audited.'),
      call: z
        .boolean()
        .optional()
        .describe('Whether the token may call tools of agents through `/proxy`; see `calls`. Default: false.'),
      rate: Rate.optional().describe('Request rate of this token, instead of `limits.rate`.'),
      max_agents: z
        .number()
        .int()
        .min(0)
        .max(10_000_000)
        .optional()
        .describe(
          'Maximum number of agents that the token holds at once. Default: only `health.agents.max_agents` applies.',
        ),
      max_agent_bytes: z
        .number()
        .int()
        .min(0)
        .optional()
        .describe(
          'Maximum bytes of memory that the agents of the token take beyond 16 KiB each. Default: only `health.agents.max_bytes` applies.',
        ),
    })
    .refine(({ token, token_file }) => (token === undefined) !== (token_file === undefined), {
      path: ['token'],
      error: 'give either "token" or "token_file"',
    }),
)
export type TokenGrant = z.output<typeof TokenGrant>

/**
 * Two grants for one token would make its rights depend on their order. Two of one name would share their agents, limits and
 * audit lines.
 */
function rejectDuplicates(grants: readonly TokenGrant[], context: z.core.$RefinementCtx): void {
  const first = new Map<string, number>()
  const firstNamed = new Map<string, number>()
  for (const [index, { name, token }] of grants.entries()) {
    const namesake = firstNamed.get(name)
    const reject = (message: string) => context.addIssue({ code: 'custom', path: [index, 'name'], message })
    if (name === anonymousName) reject('is reserved for callers without a token')
    if (namesake === undefined) firstNamed.set(name, index)
    else
      reject(
        `is also the name of auth.tokens[${namesake}]; each name may appear once, and a token_file may hold several tokens`,
      )
    const earlier = token === undefined ? undefined : first.get(token)
    const message = `is also the token of auth.tokens[${earlier}]; each token may appear once`
    if (earlier !== undefined) context.addIssue({ code: 'custom', path: [index, 'token'], message })
    else if (token !== undefined) first.set(token, index)
  }
}

const shortFormName = 'admin'

function rejectNameOfShortForm(
  { token, tokens }: { readonly token?: string | undefined; readonly tokens: readonly TokenGrant[] },
  context: z.core.$RefinementCtx,
): void {
  const index = tokens.findIndex(({ name }) => name === shortFormName)
  if (token === undefined || index < 0) return
  const message = 'is the name of auth.token (AUTH_TOKEN); choose another'
  context.addIssue({ code: 'custom', path: ['tokens', index, 'name'], message })
}

/** Tokens of guides, of replaced systems among them, so known to all. */
const publishedTokens = new Set(['dev-token-change-in-production', 'my-secret-token', 'secret-token', 'password'])

/** Shorter tokens can be guessed. */
const minTokenLength = 8

/** Warnings of tokens that are no secret. */
export function weakTokenWarnings({ token, tokens }: Auth): string[] {
  const all = [
    ['auth.token', token],
    ...tokens.map((grant, index) => [`auth.tokens[${index}].token`, grant.token]),
  ] as const
  return all.flatMap(([path, value]) => {
    const weakness = value === undefined ? undefined : weaknessOf(value)
    return weakness === undefined ? [] : [`${path} ${weakness}; ${tokenRemedy}`]
  })
}

function weaknessOf(token: string): string | undefined {
  if (publishedTokens.has(token)) return 'is a value that guides publish, so anyone may use it'
  if (token.length < minTokenLength) return `is short (fewer than ${minTokenLength} characters), so it can be guessed`
  return undefined
}

const defaultAuth = { tokens: [] }

/** Tokens and their roles. */
export const Auth = configSection(defaultAuth, () =>
  z
    .strictObject({
      token: Secret.optional().describe('Short form for one token with the role `admin` (`AUTH_TOKEN`).'),
      tokens: z
        .array(TokenGrant)
        .max(10_000)
        .superRefine(rejectDuplicates)
        .default(defaultAuth.tokens)
        .describe('Tokens, each with its role.'),
      anonymous: Role.optional().describe(
        'Role of a request without a token. Default: `reader`; without any token in the config, `admin` on loopback; in ' +
          "the environment of the mesh registry's Kubernetes guide (`AUTH_TOKEN` with `REGISTRY_PORT`, " +
          '`ENABLE_LEADER_ELECTION` or `AGENT_TIMEOUT`), `registrar`.',
      ),
    })
    .superRefine(rejectNameOfShortForm),
)
export type Auth = z.output<typeof Auth>

/** All tokens of the config, the short form included. */
export function tokensOf({ token, tokens }: Auth): readonly TokenGrant[] {
  if (token === undefined) return tokens
  return [{ name: shortFormName, token, role: 'admin', secrets: false }, ...tokens]
}
