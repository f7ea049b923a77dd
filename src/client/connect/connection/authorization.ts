import type { AuthProvider, OAuthClientProvider } from '@modelcontextprotocol/client'
import { importClientSdk } from '../../peer-packages.ts'

/** Time for which a person who was asked to authorize is not asked again, in ms. */
const maxAuthorizationMs = 600_000

type Provider = AuthProvider | OAuthClientProvider

const wrapped = new WeakMap<OAuthClientProvider, OAuthClientProvider>()

/**
 * Sends the person of an OAuth provider to the authorization server once, until there are other tokens. Otherwise each attempt to connect
 * would open a page, and store a verifier that makes the code of the page before invalid.
 */
export function askOnce(provider: Provider): Provider {
  if (!('redirectToAuthorization' in provider)) return provider
  const known = wrapped.get(provider) ?? wrap(provider)
  wrapped.set(provider, known)
  return known
}

function wrap(provider: OAuthClientProvider): OAuthClientProvider {
  let pending: { readonly until: number; readonly token: string | undefined } | undefined
  /** The token that the SDK saw last. */
  let seen: string | undefined

  const tokenOf = async () => (await provider.tokens())?.access_token

  async function refuseWhilePending(): Promise<void> {
    const token = await tokenOf()
    const isPending = pending !== undefined && performance.now() <= pending.until && token === pending.token
    // Tokens that have come meanwhile are tried first.
    if (!isPending && token === seen) return
    const { UnauthorizedError } = await importClientSdk()
    throw new UnauthorizedError('waits for its authorization')
  }

  const overrides: Partial<OAuthClientProvider> = {
    async tokens(context) {
      const tokens = await provider.tokens(context)
      seen = tokens?.access_token
      return tokens
    },
    async state() {
      await refuseWhilePending()
      return provider.state!()
    },
    async saveCodeVerifier(verifier) {
      await refuseWhilePending()
      await provider.saveCodeVerifier(verifier)
    },
    async redirectToAuthorization(url) {
      pending = { until: performance.now() + maxAuthorizationMs, token: await tokenOf() }
      await provider.redirectToAuthorization(url)
    },
  }
  return new Proxy(provider, {
    get(target, key) {
      const own: unknown = Reflect.get(target, key)
      if (typeof own !== 'function') return own
      // Bound: a class may have private fields.
      return (Reflect.get(overrides, key) as unknown) ?? own.bind(target)
    },
  })
}
