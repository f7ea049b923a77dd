import { Hono } from 'hono'
import type { Log } from '../log.ts'
import type { ServerId } from '../model/names.ts'
import type { SourceStatus } from '../model/status.ts'
import type { Registry } from '../registry/registry.ts'
import type { Api, Bindings } from './edge.ts'
import { createHot, type Lists } from './hot.ts'
import { createOne, type Volatile } from './one.ts'
import { Problem, problemFrom } from './problem.ts'
import { problemReply, toResponse } from './reply.ts'
import { serversApi } from './servers.ts'
import { sourcesApi } from './sources.ts'

/** What the application asks of the rest of the daemon. */
export type ApiParts = {
  readonly registry: Pick<Registry, 'get' | 'list' | 'token' | 'size'>
  readonly lists: Lists
  readonly supervisor: { readonly sources: () => readonly SourceStatus[] }
  readonly monitor: { readonly volatile: (id: ServerId) => Volatile | undefined }
  readonly log: Log
}

/** The routes of the daemon, and the front that answers the hottest of them before the router. */
export function createApp(parts: ApiParts): { app: Api; front: ReturnType<typeof createHot>['front'] } {
  const one = createOne({ registry: parts.registry, volatile: parts.monitor.volatile })
  const hot = createHot({ lists: parts.lists, one })
  const app: Api = new Hono<{ Bindings: Bindings }>({ strict: false })
  const servers = serversApi({ hot })

  app.route('/servers', servers)
  app.route('/api/v1/servers', servers)
  app.route('/sources', sourcesApi(parts))
  app.notFound((c) => toResponse(c.req.raw, problemReply(notFound(app, c.req.method, c.req.path))))
  app.onError((error, c) => {
    const problem = problemFrom(error)
    if (problem.status < 500) return toResponse(c.req.raw, problemReply(problem))
    const requestId = crypto.randomUUID()
    parts.log.error({ err: problem.cause ?? problem, request_id: requestId }, 'request failed')
    return toResponse(c.req.raw, problemReply(problem, requestId))
  })
  return { app, front: hot.front }
}

/** A path that exists under other methods is a 405 that names them; anything else a 404. */
function notFound(app: Api, method: string, path: string): Problem {
  const allowed = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((one) => app.router.match(one, path)[0].length > 0)
  if (allowed.length === 0) return new Problem(404, 'There is nothing at this path. GET / lists what there is.')
  const all = [...(allowed.includes('GET') ? ['HEAD'] : []), ...allowed, 'OPTIONS'].join(', ')
  return new Problem(405, `${method} is not possible here; ${all} are.`, { headers: { allow: all } })
}
