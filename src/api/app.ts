import { isOpen, publicReadHeaders } from './http/access/cors.ts'
import { abandonBody } from './http/body.ts'
import { type Api, createRoutes } from './http/context.ts'
import { Problem } from './http/problem.ts'
import { baseHeaders, problemReply, type Reply, replyToError } from './http/reply.ts'
import { respond } from './http/respond.ts'
import { mcpApi } from './mcp/mcp.ts'
import { isRenewal } from './mesh/heartbeat.ts'
import { meshApi } from './mesh/mesh.ts'
import { docsApi } from './openapi/docs.ts'
import { clusterApi } from './operations/cluster.ts'
import { eventsApi } from './operations/events.ts'
import { operationsApi } from './operations/operations.ts'
import { sourcesApi } from './operations/sources.ts'
import type { ApiPorts } from './ports.ts'
import { createDeletedServers } from './publish/deleted-servers.ts'
import { pathWithEncodedName, v01Api } from './publish/official-registry.ts'
import { createPublished } from './publish/published.ts'
import { wellKnownApi } from './publish/well-known.ts'
import { createDetailCache } from './servers/detail-cache.ts'
import { discoverApi } from './servers/discover.ts'
import { batchQueryApi } from './servers/list/batch-query.ts'
import { pickApi } from './servers/picking/pick.ts'
import { sdApi } from './servers/prometheus-targets.ts'
import { serversApi } from './servers/routes.ts'
import { countsApi } from './servers/server-counts.ts'
import { createStatisticsViews } from './servers/statistics/statistics-views.ts'
import { createDocumentImport } from './servers/writing/document-import.ts'
import { manualApi } from './servers/writing/manual.ts'
import { overridesApi } from './servers/writing/overrides.ts'
import { createPreview } from './servers/writing/preview.ts'
import { dashboardApi } from './ui/dashboard.ts'

/** All routes of the daemon. */
export function createApp(ports: ApiPorts): Api {
  const { registry, monitor, log } = ports
  const app = createRoutes({ getPath: pathWithEncodedName })
  const details = createDetailCache({ registry, moving: monitor })

  const statisticsViews = createStatisticsViews(ports)
  const servers = serversApi({
    ...ports,
    details,
    preview: createPreview(ports),
    importDocument: createDocumentImport(ports),
    statisticsViews,
  })
  const manual = manualApi({ ...ports, details })
  const mesh = meshApi(ports)
  const events = eventsApi(ports)
  const overrides = overridesApi(ports)
  for (const prefix of ['', '/api/v1']) {
    app.route(`${prefix}/servers`, servers)
    app.route(`${prefix}/servers`, manual)
    app.route(`${prefix}/`, mesh)
    app.route(`${prefix}/`, events)
    app.route(`${prefix}/`, overrides)
  }
  app.route('/', pickApi(ports))
  app.route('/', batchQueryApi(ports))
  app.route('/', discoverApi(ports))
  app.route('/', sourcesApi(ports))
  app.route('/', mcpApi(ports))
  app.route('/', countsApi({ registry, statisticsViews }))
  app.route('/', operationsApi(ports))
  app.route('/', clusterApi(ports))
  app.route('/', dashboardApi(ports))
  app.route('/', docsApi(ports))
  const published = createPublished({ ...ports, deleted: createDeletedServers(registry) })
  const official = v01Api({ ...ports, published })
  app.route('/v0.1', official)
  app.route('/v0', official)
  app.route('/.well-known', wellKnownApi({ ...ports, published }))
  app.route('/sd', sdApi(ports))

  app.notFound((c) => respond(c, notFound(app, c.env.incoming.method ?? 'GET', c.req.path)))
  app.onError((error, c) => {
    abandonBody(c.env)
    return respond(c, replyToError(error, { log, path: c.req.path }))
  })
  return app
}

/** A 405 that names the methods of the path; a 404 where it has none. */
function notFound(app: Api, method: string, path: string): Reply {
  const allowed = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter(
    (candidate) => app.router.match(candidate, path)[0].length > 0,
  )
  if (allowed.length === 0 || isRenewal(path))
    return problemReply(new Problem('route_not_found', 'No route has this path; GET / lists the routes.'))
  const open = isOpen('GET', path) ? publicReadHeaders : {}
  const allow = [...(allowed.includes('GET') ? ['HEAD'] : []), ...allowed, 'OPTIONS'].join(', ')
  if (method === 'OPTIONS')
    return { status: 204, headers: { ...baseHeaders, vary: 'Origin', ...open, allow }, body: Buffer.alloc(0) }
  return problemReply(
    new Problem('method_not_allowed', `${method} is not allowed on this path; use ${allow}.`, { headers: { allow } }),
  )
}
