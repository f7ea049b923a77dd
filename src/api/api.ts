import type { Log } from '../log.ts'
import { createApp } from './app.ts'
import type { Auth, TokenGrant } from './config/auth.ts'
import type { Cors } from './config/cors.ts'
import type { Limits } from './config/limits.ts'
import type { Listen } from './config/listen.ts'
import { createAuthenticator } from './http/access/authenticator.ts'
import { createRequestGuard } from './http/access/guard.ts'
import { isLoopback } from './http/access/host.ts'
import { createTokens } from './http/access/tokens.ts'
import { listen } from './http/listening/server.ts'
import { createPipeline } from './http/pipeline.ts'
import type { ApiPorts } from './ports.ts'

/** The config that may change while the daemon serves, but for `listen.host` and `listen.port`. */
export type ApiRules = { readonly auth: Auth; readonly cors: Cors; readonly limits: Limits; readonly listen: Listen }

/**
 * Serves the registry over HTTP until disposed.
 *
 * `apply` changes tokens, origins and limits and keeps every connection. `warning` is for the operator, at start.
 */
export async function openApi({
  rules,
  ports,
  accessLog = false,
  isContained,
  tokenFilesMs = 500,
  log,
}: {
  rules: ApiRules
  ports: ApiPorts
  accessLog?: boolean
  isContained?: boolean
  /** Interval at which token files are read again. */
  tokenFilesMs?: number
  log: Log
}) {
  let currentRules = rules
  await using stack = new AsyncDisposableStack()
  const tokens = createTokens({ log, onChange: renewGuard, everyMs: tokenFilesMs })
  stack.defer(tokens.close)
  tokens.follow(rules.auth)
  let current = guardOf(rules, tokens.grants())

  function renewGuard(): void {
    current = guardOf(currentRules, tokens.grants())
    pipeline.endRevoked()
  }

  const pipeline = createPipeline({
    fetch: createApp(ports).fetch,
    guard: () => current.guard,
    maxBodyBytes: () => currentRules.limits.max_body_bytes,
    accessLog: accessLog ? log.child({ access: true }) : undefined,
    log,
  })
  const { limits } = rules
  const listening = stack.use(await listen(pipeline.handle, { ...rules.listen, limits, log, isContained }))
  const opened = stack.move()

  return {
    url: listening.url,
    address: listening.address,
    port: listening.port,
    warning: current.warning,
    apply: (next: ApiRules) => {
      currentRules = { ...next, listen: { ...next.listen, host: rules.listen.host } }
      tokens.follow(next.auth)
      renewGuard()
    },
    counts: pipeline.counts,
    connections: listening.connections,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

function guardOf(
  { auth, cors, limits, listen: { host, hosts, trusted_proxies: trustedProxies } }: ApiRules,
  tokens: readonly TokenGrant[],
) {
  const loopback = isLoopback(host)
  const authenticator = createAuthenticator({ tokens, anonymous: auth.anonymous, loopback })
  const origins = cors.enabled ? cors.origins : []
  const guard = createRequestGuard({
    authenticator,
    cors: { ...cors, origins },
    loopback,
    hosts,
    trustedProxies,
    limits,
  })
  return { guard, warning: authenticator.warning }
}
