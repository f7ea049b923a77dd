import { requireNamespace, requireRole } from '../http/access/authenticator.ts'
import { type ApiContext, type ApiResponse, createRoutes } from '../http/context.ts'
import { parameterProblem, queryText } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import { jsonReply } from '../http/reply.ts'
import { respond, respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import type { DetailCache } from './detail-cache.ts'
import { createListCache } from './list/list-cache.ts'
import { createListStream } from './list/streamed-list.ts'
import { createSecretsView, wantsSecrets } from './secrets.ts'
import {
  toolCallIn,
  discoveredServerId,
  hasStatisticsPath,
  probedServerId,
  shownServerId,
  statisticsServerId,
  unknownServer,
} from './server-path.ts'
import type { StatisticsViews } from './statistics/statistics-views.ts'

/**
 * `/servers` and single servers. Names stand URL-encoded in the path.
 *
 * Lists and single servers are requested thousands of times a second: their handlers are synchronous, and read the raw
 * target and headers instead of building a `URL` or `Headers`.
 */
export function serversApi({
  details,
  preview,
  importDocument,
  statisticsViews,
  ...ports
}: Pick<ApiPorts, 'registry' | 'supervisor' | 'serverCalls' | 'monitor' | 'watch' | 'log'> & {
  preview: (c: ApiContext) => Promise<Response>
  importDocument: (c: ApiContext) => Promise<Response>
  details: DetailCache
  statisticsViews: Pick<StatisticsViews, 'show'>
}) {
  const { registry, supervisor, serverCalls, monitor, watch, log } = ports
  const api = createRoutes()
  const lists = createListCache({ registry, syncing: supervisor.syncing, volatile: monitor.volatile })
  const stream = createListStream({
    lists,
    onError: (error) => log.error({ err: error }, 'long list could not be sent'),
  })
  const secrets = createSecretsView(ports)

  function list(c: ApiContext): ApiResponse {
    const query = queryText(c.env.incoming.url ?? '')
    const reply = lists.answer(query)
    if (reply?.status === 200) return respond(c, reply)
    const watched = watch.servers(c)
    if (watched) return watched
    if (reply) return respond(c, reply)
    const parameters = new URLSearchParams(query)
    return wantsSecrets(parameters) ? secrets.list(c, parameters) : stream(c, query)
  }

  function show(c: ApiContext): ApiResponse {
    const { url = '' } = c.env.incoming
    const id = shownServerId(url)
    const watched = id === null ? watch.servers(c) : undefined
    if (watched) return watched
    const reply = id === null ? undefined : details.answer(id)
    // A server of this name comes first: `/servers/team-a/stats` may be one.
    if (!reply && hasStatisticsPath(url)) return statisticsViews.show(c, statisticsServerId(url))
    if (url.includes('?') && wantsSecrets(detailParameters(url))) return secrets.show(c, id)
    if (!reply) throw unknownServer(id)
    return respond(c, reply)
  }

  async function probe(c: ApiContext): Promise<Response> {
    const { principal, incoming } = c.env
    const id = probedServerId(incoming.url ?? '')
    requireRole(principal, 'admin')
    const registered = id === null ? undefined : registry.get(id)
    if (id === null || !registered) throw unknownServer(id)
    requireNamespace(principal, registered.server.namespace)
    log.info({ audit: true, principal: principal.name, server: id }, 'probe requested')
    const outcome = await monitor.probe(id)
    const current = registry.get(id)
    if (!outcome || !current) throw unknownServer(id)
    return respondJson(c, { id, ...outcome, health: current.server.health })
  }

  /** What the MCP client takes as prior knowledge, so that it connects without a request. */
  function discovery(c: ApiContext): ApiResponse {
    const id = discoveredServerId(c.env.incoming.url ?? '')
    if (id === null || !registry.get(id)) throw unknownServer(id)
    const kept = monitor.discovery(id)
    if (!kept) throw new Problem('discovery_not_found', `No public and fresh discover result of "${id}" is known.`)
    const { json, receivedAt, expiresAt } = kept
    const times = { received_at: new Date(receivedAt).toISOString(), expires_at: new Date(expiresAt).toISOString() }
    const body = `{"kind":"modern","discover":${json.toString()},${JSON.stringify(times).slice(1)}`
    const age = Math.max(0, Math.floor((Date.now() - receivedAt) / 1000))
    const maxAge = Math.floor((expiresAt - receivedAt) / 1000)
    const headers = { 'cache-control': `private, max-age=${maxAge}`, age: String(age) }
    return respond(c, jsonReply(Buffer.from(body), { headers }))
  }

  api.get('/', list)
  api.get('/:name', show)
  api.get('/:namespace/:name', show)
  api.get('/:namespace/:name/stats', (c) => statisticsViews.show(c, statisticsServerId(c.env.incoming.url ?? '')))
  api.get('/:namespace/:name/discover', discovery)
  api.post(postPath, (c) => {
    const { url = '' } = c.env.incoming
    const word = documentWordIn(url)
    if (word !== undefined) return word === 'preview' ? preview(c) : importDocument(c)
    const { id, tool } = toolCallIn(url)
    return tool === undefined ? probe(c) : serverCalls.handle(c, { id, tool, unknown: () => unknownServer(id) })
  })
  return api
}

/**
 * `/weather/probe` and `/team-a/weather/probe` (`/check` is an alias), `/team-a/weather/tools/forecast` (`/a/tools/probe` probes a
 * server), `/preview` and `/import`. One pattern: see `shownServerId`.
 */
const postPath = '/:server{(?:preview|import|[^/]+(?:/[^/]+)?/(?:probe|check)|[^/]+/[^/]+/tools/[^/]+)}'

/** What is asked for a whole document: `preview` or `import`. */
function documentWordIn(target: string): string | undefined {
  return /^(?:\/api\/v1)?\/servers\/(preview|import)\/?(?:\?|$)/.exec(target)?.[1]
}

/** The parameters of one server. `view` has one value, since a single server is always shown in full. */
function detailParameters(target: string): URLSearchParams {
  const parameters = new URLSearchParams(queryText(target))
  const unknown = [...parameters.keys()].find((parameter) => parameter !== 'secrets' && parameter !== 'view')
  if (unknown !== undefined)
    throw parameterProblem({ parameter: unknown, detail: `unknown parameter "${unknown}"; known are secrets, view` })
  if (parameters.getAll('view').some((view) => view !== '' && view !== 'full'))
    throw parameterProblem({ parameter: 'view', detail: 'view: must be "full"' })
  return parameters
}
