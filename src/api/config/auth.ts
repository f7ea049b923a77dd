import * as z from 'zod'
import { Namespace } from '../../model/names.ts'
import { Role } from '../../model/principal.ts'
import { configSection } from '../../model/schema/lazy-schema.ts'

const Secret = z.lazy(() =>
  z
    .string()
    .min(1)
    .max(4096)
    .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces, as a header value'),
)

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
    })
    .refine(({ token, token_file }) => (token === undefined) !== (token_file === undefined), {
      path: ['token'],
      error: 'give either "token" or "token_file"',
    }),
)
export type TokenGrant = z.output<typeof TokenGrant>

/** Two grants for one token would make its rights depend on their order. */
function rejectDuplicateTokens(grants: readonly TokenGrant[], context: z.core.$RefinementCtx): void {
  const first = new Map<string, number>()
  for (const [index, { token }] of grants.entries()) {
    const earlier = token === undefined ? undefined : first.get(token)
    const message = `is also the token of auth.tokens[${earlier}]; each token may appear once`
    if (earlier !== undefined) context.addIssue({ code: 'custom', path: [index, 'token'], message })
    else if (token !== undefined) first.set(token, index)
  }
}

const defaultAuth = { tokens: [] }

/** Tokens and their roles. */
export const Auth = configSection(defaultAuth, () =>
  z.strictObject({
    token: Secret.optional().describe('Short form for one token with the role `admin` (`AUTH_TOKEN`).'),
    tokens: z
      .array(TokenGrant)
      .max(10_000)
      .superRefine(rejectDuplicateTokens)
      .default(defaultAuth.tokens)
      .describe('Tokens, each with its role.'),
    anonymous: Role.optional().describe(
      'Role of a request without a token. Default: `reader`; without any token in the config, `admin` on loopback; in ' +
        "the environment of the mesh registry's Kubernetes guide (`AUTH_TOKEN` with `REGISTRY_PORT`, " +
        '`ENABLE_LEADER_ELECTION` or `AGENT_TIMEOUT`), `registrar`.',
    ),
  }),
)
export type Auth = z.output<typeof Auth>

/** All tokens of the config, the short form included. */
export function tokensOf({ token, tokens }: Auth): readonly TokenGrant[] {
  if (token === undefined) return tokens
  return [{ name: 'admin', token, role: 'admin', secrets: false }, ...tokens]
}
