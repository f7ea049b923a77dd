import { hash, timingSafeEqual } from 'node:crypto'
import { anonymousName, includesRole, type Principal, type Role } from '../../../model/principal.ts'
import type { TokenGrant } from '../../config/auth.ts'
import { Problem } from '../problem.ts'

export type Authenticator = {
  /** Whoever an `Authorization` header speaks for; undefined where it names a token nobody gave out. */
  readonly authenticate: (authorization: string | undefined) => Principal | undefined
  /** What the operator should be told at start. */
  readonly warning?: string
}

/**
 * Decides who asks.
 *
 * Without any token, everybody may do everything on loopback and read elsewhere; with tokens, whoever has none may
 * read. `anonymous` overrides both.
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
  const known = tokens.flatMap(({ token, token_file: _file, ...principal }) =>
    token === undefined ? [] : [{ digest: digestOf(token), principal }],
  )
  const nobody: Principal = {
    name: anonymousName,
    role: anonymous ?? (tokens.length === 0 && loopback ? 'admin' : 'reader'),
    secrets: false,
    anonymous: true,
  }

  function authenticate(authorization: string | undefined): Principal | undefined {
    if (authorization === undefined || tokens.length === 0) return nobody
    const [, token] = /^bearer +(\S+) *$/i.exec(authorization) ?? []
    if (token === undefined) return undefined
    const digest = digestOf(token)
    let found: Principal | undefined
    // All are compared, so that the time taken says nothing about which one was close.
    for (const one of known) if (timingSafeEqual(one.digest, digest)) found ??= one.principal
    return found
  }

  const open = tokens.length === 0 && anonymous === undefined && !loopback
  return open ? { authenticate, warning: readOnlyWarning } : { authenticate }
}

const readOnlyWarning =
  'no token is configured and the daemon listens beyond loopback: everybody may read, nobody may register or change anything. ' +
  'Set AUTH_TOKEN (or auth.token) to administer it, auth.anonymous to let agents register without a token.'

function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

/** Throws the problem that names the missing role. */
export function requireRole(principal: Principal | undefined, role: Role): void {
  if (includesRole(principal?.role ?? 'none', role)) return
  throw new Problem('role_required', `This needs the role "${role}": send a bearer token that has it.`, {
    more: { role_needed: role },
  })
}

/** Throws where the principal may not see secrets. */
export function requireSecretsRight(principal: Principal | undefined): void {
  if (principal?.secrets) return
  throw new Problem('right_required', 'Secrets are shown only to a token that has the "secrets" right.', {
    more: { right_needed: 'secrets' },
  })
}

export function unauthorised(): Problem {
  return new Problem('token_invalid', 'This token is not known here. Send a valid one, or none to read anonymously.', {
    headers: { 'www-authenticate': 'Bearer realm="mcp-roster", error="invalid_token"' },
  })
}
