import type { Log } from '../log.ts'
import { createAccess } from './access.ts'
import { createApp } from './app.ts'
import { type Auth, type Cors, type Limits, type Listen, tokensOf } from './config.ts'
import { createEdge } from './edge.ts'
import { createGuard } from './guard.ts'
import { isLoopback } from './host.ts'
import type { Front } from './hot.ts'
import { listen } from './listen.ts'
import type { ApiParts } from './parts.ts'

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
  log,
}: {
  rules: ApiRules
  parts: ApiParts
  fronts?: readonly Front[]
  accessLog?: boolean
  log: Log
}) {
  const { app, fronts: own } = createApp(parts)
  let current = guardOf(rules)
  const edge = createEdge({
    app,
    guard: () => current.guard,
    fronts: [...fronts, ...own],
    bodyBytes: () => current.bodyBytes,
    accessLog: accessLog ? log.child({ access: true }) : undefined,
    log,
  })
  const listening = await listen(edge.handle, { ...rules.listen, limits: rules.limits, log })

  return {
    app,
    url: listening.url,
    port: listening.port,
    warning: current.warning,
    apply: (next: ApiRules) =>
      void (current = guardOf({ ...next, listen: { ...next.listen, host: rules.listen.host } })),
    counts: edge.counts,
    connections: listening.connections,
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  }
}
export type OpenApi = Awaited<ReturnType<typeof openApi>>

function guardOf({ auth, cors, limits, listen: { host, hosts } }: ApiRules) {
  const loopback = isLoopback(host)
  const access = createAccess({ tokens: tokensOf(auth), anonymous: auth.anonymous, loopback })
  const origins = cors.enabled ? cors.origins : []
  const guard = createGuard({ access, cors: { ...cors, origins }, loopback, hosts, limits })
  return { guard, bodyBytes: limits.body_bytes, warning: access.warning }
}
