import * as z from 'zod'
import { Namespace } from '../../model/names.ts'
import { Role } from '../../model/principal.ts'
import { deferredSchema, configSection } from '../../model/schema/lazy-schema.ts'

const Secret = deferredSchema(() =>
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
export const Rate = deferredSchema(() =>
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
export const TokenGrant = deferredSchema(() =>
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
      max_agents: z
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
export const Auth = configSection(usualAuth, () =>
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
