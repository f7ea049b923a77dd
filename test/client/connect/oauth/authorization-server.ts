import { hash, randomUUID } from 'node:crypto'
import { OAuthError, OAuthErrorCode } from '@modelcontextprotocol/server'

type Grant = { readonly client: string; readonly challenge: string; readonly redirectUri: string }

/**
 * An authorization server as RFC 6749, 7591 and 7636 describe it, whose person agrees to everything: registration of clients, codes with
 * PKCE, tokens that can be refreshed once.
 */
export function createAuthorizationServer() {
  const clients = new Set<string>()
  const grants = new Map<string, Grant>()
  const accessTokens = new Map<string, { expiresAt: number; readonly client: string }>()
  const refreshTokens = new Map<string, string>()
  const issued: string[] = []
  const counts = { registrations: 0, authorizations: 0, refreshes: 0 }

  function issue(client: string): Response {
    const [access, refresh] = [`access-${randomUUID()}`, `refresh-${randomUUID()}`]
    issued.push(access, refresh)
    accessTokens.set(access, { client, expiresAt: Date.now() / 1000 + 3600 })
    refreshTokens.set(refresh, client)
    const tokens = { access_token: access, token_type: 'Bearer', expires_in: 3600, refresh_token: refresh }
    return Response.json(tokens, { headers: { 'cache-control': 'no-store' } })
  }

  function authorize({ searchParams }: URL): Response {
    const client = searchParams.get('client_id') ?? ''
    const redirectUri = searchParams.get('redirect_uri') ?? ''
    const challenge = searchParams.get('code_challenge') ?? ''
    if (!clients.has(client) || challenge === '' || searchParams.get('code_challenge_method') !== 'S256')
      return new Response('bad request', { status: 400 })
    counts.authorizations += 1
    const code = `code-${randomUUID()}`
    issued.push(code)
    grants.set(code, { client, challenge, redirectUri })
    const back = new URL(redirectUri)
    back.searchParams.set('code', code)
    return new Response(null, { status: 302, headers: { location: back.href } })
  }

  function exchange(form: URLSearchParams): Response {
    const refused = Response.json({ error: 'invalid_grant', error_description: 'not valid here' }, { status: 400 })
    if (form.get('grant_type') === 'refresh_token') {
      const token = form.get('refresh_token') ?? ''
      const client = refreshTokens.get(token)
      refreshTokens.delete(token)
      if (client === undefined) return refused
      counts.refreshes += 1
      return issue(client)
    }
    const grant = grants.get(form.get('code') ?? '')
    grants.delete(form.get('code') ?? '')
    const proof = hash('sha256', form.get('code_verifier') ?? '', 'base64url')
    return grant?.challenge === proof ? issue(grant.client) : refused
  }

  async function register(request: Request): Promise<Response> {
    const metadata = (await request.json()) as object
    const client = randomUUID()
    counts.registrations += 1
    clients.add(client)
    return Response.json({ ...metadata, client_id: client, client_id_issued_at: 0 }, { status: 201 })
  }

  const metadataOf = (issuer: string) => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    registration_endpoint: `${issuer}/register`,
    response_types_supported: ['code'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
  })

  return {
    /** The answer to one of its own routes; undefined for any other. */
    async answer(request: Request): Promise<Response | undefined> {
      const url = new URL(request.url)
      if (url.pathname.startsWith('/.well-known/oauth-authorization-server'))
        return Response.json(metadataOf(url.origin))
      if (url.pathname === '/authorize') return authorize(url)
      if (url.pathname === '/register') return register(request)
      return url.pathname === '/token' ? exchange(new URLSearchParams(await request.text())) : undefined
    },
    /** As the SDK's guard of a protected server asks it. */
    async verifyAccessToken(token: string) {
      const known = accessTokens.get(token)
      if (!known) throw new OAuthError(OAuthErrorCode.InvalidToken, `unknown token ${token}`)
      return { token, clientId: known.client, scopes: [], expiresAt: known.expiresAt }
    },
    expire: () => {
      for (const known of accessTokens.values()) known.expiresAt = 1
    },
    revoke: () => {
      accessTokens.clear()
      refreshTokens.clear()
    },
    counts,
    /** Every secret that it has given out. */
    issued,
  }
}
