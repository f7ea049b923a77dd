import { Hono } from 'hono'
import { isOpen, openToAll } from './http/access/cors.ts'
import { replyToError } from './http/error-reply.ts'
import type { Api, Bindings } from './http/pipeline.ts'
import { Problem } from './http/problem.ts'
import { baseHeaders, problemReply, type Reply } from './http/reply.ts'
import { respond } from './http/respond.ts'
import { mcpApi } from './mcp.ts'
import { meshApi } from './mesh/mesh.ts'
import { docsApi } from './openapi/docs.ts'
import { operationsApi } from './operations/operations.ts'
import { sourcesApi } from './operations/sources.ts'
import type { ApiPorts } from './ports.ts'
import type { DeletedServers } from './publish/deleted-servers.ts'
import { v01Api } from './publish/official-registry.ts'
import { createPublished } from './publish/published.ts'
import { wellKnownApi } from './publish/well-known.ts'
import { discoverApi } from './servers/discover.ts'
import type { Hot } from './servers/fast-path.ts'
import { manualApi } from './servers/manual.ts'
import { sdApi } from './servers/prometheus-targets.ts'
import { serversApi } from './servers/routes.ts'
import { countsApi } from './servers/server-counts.ts'

export type AppParts = ApiPorts & { readonly hot: Hot; readonly deleted: DeletedServers }

/** The routes of the daemon; the hottest are answered by `hot`, here too where no front stands before. */
export function createApp(parts: AppParts): Api {
  const { hot, log } = parts
  const app: Api = new Hono<{ Bindings: Bindings }>({ strict: false })
  const servers = serversApi({ ...parts, hot })

  app.route('/servers', servers)
  app.route('/api/v1/servers', servers)
  const manual = manualApi({ ...parts, hot })
  app.route('/servers', manual)
  app.route('/api/v1/servers', manual)
  const mesh = meshApi(parts)
  app.route('/', mesh)
  app.route('/api/v1', mesh)
  app.route('/', discoverApi(parts))
  app.route('/', sourcesApi(parts))
  app.route('/', mcpApi(parts))
  app.route('/', countsApi(parts))
  app.route('/', operationsApi(parts))
  app.route('/', docsApi(parts))
  const published = createPublished(parts)
  const v01 = v01Api({ ...parts, published })
  app.route('/v0.1', v01)
  app.route('/v0', v01)
  app.route('/.well-known', wellKnownApi({ ...parts, published }))
  app.route('/sd', sdApi(parts))

  app.notFound((c) => respond(c, notFound(app, c.req.method, c.req.path)))
  app.onError((error, c) => respond(c, replyToError(error, { log, path: c.req.path })))
  return app
}

/** A path that exists under other methods is a 405 that names them; anything else a 404. */
function notFound(app: Api, method: string, path: string): Reply {
  const allowed = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => app.router.match(one, path)[0].length > 0)
  if (allowed.length === 0)
    return problemReply(new Problem('route_not_found', 'There is nothing at this path. GET / lists what there is.'))
  const open = isOpen('GET', path) ? openToAll : {}
  const allow = [...(allowed.includes('GET') ? ['HEAD'] : []), ...allowed, 'OPTIONS'].join(', ')
  if (method === 'OPTIONS') return { status: 204, headers: { ...baseHeaders, ...open, allow }, body: Buffer.alloc(0) }
  return problemReply(
    new Problem('method_not_allowed', `${method} is not possible here; ${allow} are.`, { headers: { allow } }),
  )
}
