import { hash, timingSafeEqual } from 'node:crypto'
import {
  anonymousName,
  forbiddenNamespaceMessage,
  includesRole,
  mayUseNamespace,
  missingRoleMessage,
  type Principal,
  type Role,
} from '../../../model/principal.ts'
import type { TokenGrant } from '../../config/auth.ts'
import { memoize } from '../memoize.ts'
import { Problem } from '../problem.ts'

export type Authenticator = {
  /** The principal of an `Authorization` header; undefined for an unknown token. */
  readonly authenticate: (authorization: string | undefined) => Principal | undefined
  /** Logged at start, for the operator. */
  readonly warning?: string
}

/** Maximum number of `Authorization` headers whose principal is remembered. */
const maxRememberedHeaders = 1000

/**
 * Finds the principal of a request.
 *
 * Without any configured token, requests on loopback have the role `admin`, others `reader`; with tokens, a request
 * without a token has the role `reader`. `anonymous` overrides both.
 */
export function createAuthenticator({
  tokens,
  anonymous,
  loopback,
}: {
  tokens: readonly TokenGrant[]
  anonymous?: Role | undefined
  loopback: boolean
}): Authenticator {
  const grants = tokens.flatMap(({ token, token_file: _file, ...principal }) =>
    token === undefined ? [] : [{ digest: digestOf(token), principal }],
  )
  const anonymousPrincipal: Principal = {
    name: anonymousName,
    role: anonymous ?? (tokens.length === 0 && loopback ? 'admin' : 'reader'),
    secrets: false,
    anonymous: true,
  }

  const principalOf = memoize(maxRememberedHeaders, (authorization: string): Principal | undefined => {
    const token = tokenIn(authorization)
    if (token === undefined) return undefined
    const digest = digestOf(token)
    let principal: Principal | undefined
    // Compares all, so that the time does not depend on which token is close.
    for (const grant of grants) if (timingSafeEqual(grant.digest, digest)) principal ??= grant.principal
    return principal
  })

  function authenticate(authorization: string | undefined): Principal | undefined {
    return authorization === undefined || tokens.length === 0 ? anonymousPrincipal : principalOf(authorization)
  }

  const open = tokens.length === 0 && anonymous === undefined && !loopback
  return open ? { authenticate, warning: readOnlyWarning } : { authenticate }
}

const readOnlyWarning =
  'no token is configured and the daemon listens beyond loopback: every client may read, none may register or change anything. ' +
  'Set AUTH_TOKEN (or auth.token) to administer it, auth.anonymous to let agents register without a token.'

/**
 * The token in an `Authorization` header: `Bearer TOKEN`, or `Basic` with the token as password or as user without a password.
 *
 * Published agents know no tokens, but send the credentials of their registry's URL (`http://agent:TOKEN@roster:8000`), as every HTTP client
 * does (RFC 7617).
 */
function tokenIn(authorization: string): string | undefined {
  const [, scheme, credentials = ''] = /^(bearer|basic) +(\S+) *$/i.exec(authorization) ?? []
  if (scheme?.toLowerCase() !== 'basic') return scheme && credentials
  const decoded = Buffer.from(credentials, 'base64').toString()
  const colon = decoded.indexOf(':')
  return colon < 0 ? undefined : decoded.slice(colon + 1) || decoded.slice(0, colon) || undefined
}

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

/** Throws the problem that names the missing role. */
export function requireRole(principal: Principal, role: Role): void {
  if (includesRole(principal.role, role)) return
  throw new Problem('role_required', missingRoleMessage(role), {
    more: { role_needed: role },
  })
}

/** Throws for a principal that is bound to other namespaces. */
export function requireNamespace(principal: Principal, namespace: string): void {
  if (mayUseNamespace(principal, namespace)) return
  throw new Problem('namespace_forbidden', forbiddenNamespaceMessage(namespace))
}

/** Throws for a principal that is bound to namespaces, where an act affects all of them. */
export function requireAllNamespaces({ namespaces }: Principal): void {
  if (!namespaces) return
  throw new Problem('namespace_forbidden', 'This affects all namespaces; the token is bound to some.')
}

/** Throws for a principal without the right to see secrets. */
export function requireSecretsRight({ secrets }: Principal): void {
  if (secrets) return
  throw new Problem('right_required', 'Secrets are shown only to a token that has the "secrets" right.', {
    more: { right_needed: 'secrets' },
  })
}

/** `anonymous`: the role of requests without a token. */
export function invalidToken(anonymous: Role): Problem {
  const remedy = {
    none: 'Send a token of this registry (auth.tokens, AUTH_TOKEN); requests without one are rejected too.',
    reader: 'Send a valid one, or none to read anonymously.',
    registrar: 'Send a valid one, or none to act as registrar.',
    admin: 'Send a valid one, or none to act as admin.',
  }[anonymous]
  return new Problem('token_invalid', `Invalid token. ${remedy}`, {
    headers: { 'www-authenticate': 'Bearer realm="mcp-roster", error="invalid_token"' },
  })
}
