import type { Log } from '../log.ts'
import type { Auth, TokenGrant } from './config/auth.ts'
import type { Cors } from './config/cors.ts'
import type { Limits } from './config/limits.ts'
import type { Listen } from './config/listen.ts'
import { createFronts } from './fast-paths.ts'
import { createAuthenticator } from './http/access/authenticator.ts'
import { createRequestGuard } from './http/access/guard.ts'
import { isLoopback } from './http/access/host.ts'
import { createTokens } from './http/access/tokens.ts'
import { replyToError } from './http/error-reply.ts'
import { listen } from './http/listening/server.ts'
import { createEdge, type Route } from './http/pipeline.ts'
import { send } from './http/reply.ts'
import type { ApiPorts } from './ports.ts'
import { createDeletedServers } from './publish/deleted-servers.ts'
import type { Front } from './servers/fast-path.ts'

/** The config that may change while the daemon serves; where it listens may not. */
export type ApiRules = { readonly auth: Auth; readonly cors: Cors; readonly limits: Limits; readonly listen: Listen }

/**
 * Serves the registry over HTTP until disposed.
 *
 * `fronts` are asked before the routes, in order; a watch that writes to the raw response is one. `apply` takes other
 * tokens, origins and limits without a connection noticing. `warning` is what the operator should be told at start.
 */
export async function openApi({
  rules,
  parts,
  fronts = [],
  accessLog = false,
  tokenFilesMs = 5000,
  log,
}: {
  rules: ApiRules
  parts: ApiPorts
  fronts?: readonly Front[]
  accessLog?: boolean
  /** How often files with tokens are looked at. */
  tokenFilesMs?: number
  log: Log
}) {
  const { hot, fronts: own } = createFronts(parts)
  // From the start on, though what asks for them may be loaded much later.
  const deleted = createDeletedServers(parts.registry)
  let newest = rules
  await using stack = new AsyncDisposableStack()
  const tokens = createTokens({ log, onChange: renew, everyMs: tokenFilesMs })
  stack.defer(tokens.close)
  tokens.follow(rules.auth)
  let current = guardOf(rules, tokens.grants())

  function renew(): void {
    current = guardOf(newest, tokens.grants())
  }

  const edge = createEdge({
    route: whenAsked(async () => (await import('./router.ts')).createRouter({ ...parts, hot, deleted }), log),
    guard: () => current.guard,
    fronts: [...fronts, ...own],
    bodyBytes: () => current.bodyBytes,
    accessLog: accessLog ? log.child({ access: true }) : undefined,
    log,
  })
  const listening = stack.use(await listen(edge.handle, { ...rules.listen, limits: rules.limits, log }))
  const opened = stack.move()

  return {
    url: listening.url,
    port: listening.port,
    warning: current.warning,
    apply: (next: ApiRules) => {
      newest = { ...next, listen: { ...next.listen, host: rules.listen.host } }
      tokens.follow(next.auth)
      renew()
    },
    counts: edge.counts,
    connections: listening.connections,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
/** A route that is loaded with the first request that comes to it: what is polled most can do without. */
function whenAsked(load: () => Promise<Route>, log: Log): Route {
  let loaded: Route | undefined
  let loading: Promise<Route> | undefined

  async function wait(...[request, response, principal]: Parameters<Route>): Promise<void> {
    try {
      loading ??= load()
      loaded = await loading
      loaded(request, response, principal)
    } catch (error) {
      loading = undefined
      send(request, response, replyToError(error, { log, path: request.url ?? '' }), undefined)
    }
  }

  return (request, response, principal) => {
    if (loaded) loaded(request, response, principal)
    else void wait(request, response, principal)
  }
}

function guardOf({ auth, cors, limits, listen: { host, hosts } }: ApiRules, tokens: readonly TokenGrant[]) {
  const loopback = isLoopback(host)
  const access = createAuthenticator({ tokens, anonymous: auth.anonymous, loopback })
  const origins = cors.enabled ? cors.origins : []
  const guard = createRequestGuard({ access, cors: { ...cors, origins }, loopback, hosts, limits })
  return { guard, bodyBytes: limits.max_body_bytes, warning: access.warning }
}
