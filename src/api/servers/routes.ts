import { Hono } from 'hono'
import type { ServerId } from '../../model/names.ts'
import type { Principal } from '../../model/principal.ts'
import { parseQuery } from '../../model/query/query-parser.ts'
import type { Server } from '../../model/server.ts'
import { requireRole, requireSecretsRight } from '../http/access/authenticator.ts'
import type { Bindings } from '../http/pipeline.ts'
import { Problem } from '../http/problem.ts'
import { type ApiContext, respond, respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { type createHot, unknownServer } from './fast-path.ts'
import { requestedFields } from './list/list-encoding.ts'
import { parameterProblem } from './list/list-query.ts'
import { serverIdIn } from './server-path.ts'

type Hot = Pick<ReturnType<typeof createHot>, 'reply'>

/** `/servers` and everything below. Names stand URL-encoded in the path. */
export function serversApi({
  hot,
  registry,
  monitor,
  log,
}: Pick<ApiPorts, 'registry' | 'monitor' | 'log'> & { hot: Hot }) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })

  function list(c: ApiContext): Promise<Response> {
    const { searchParams } = new URL(c.req.url)
    if (asksSecrets(searchParams)) return listSecrets(c, searchParams)
    const reply = hot.reply(targetOf(c))
    if (!reply) throw new Problem('invalid_parameter', 'This cannot be asked for here.')
    return respond(c, reply)
  }

  function listSecrets(c: ApiContext, parameters: URLSearchParams): Promise<Response> {
    const { principal } = c.env
    requireSecretsRight(principal)
    const parsed = parseQuery(parameters, { besides: ['secrets'] })
    if ('problem' in parsed) throw parameterProblem(parsed.problem)
    const { view, fields } = parsed.query
    const { page, total, next } = registry.select(parsed.query)
    for (const { server } of page) demandNamespace(principal, server.namespace)
    log.info({ audit: true, principal: principal?.name, servers: page.length }, 'secrets were shown')
    const servers = page.map(({ server }) => {
      const shown = view === 'full' ? withWhatMoves(server) : server
      return fields.length > 0 ? requestedFields(shown, fields) : shown
    })
    const place = { count: page.length, total, resource_version: registry.token() }
    return respondJson(c, { servers, ...place, ...(next === undefined ? {} : { continue: next }) })
  }

  function show(c: ApiContext): Promise<Response> {
    const id = idIn(c)
    if (asksSecrets(shownBy(c))) return showSecrets(c, id)
    const reply = hot.reply(targetOf(c).replace(/\?.*/, ''))
    if (!reply) throw unknownServer(id)
    return respond(c, reply)
  }

  function showSecrets(c: ApiContext, id: ServerId | undefined): Promise<Response> {
    const { principal } = c.env
    requireSecretsRight(principal)
    const registered = id === undefined ? undefined : registry.get(id)
    if (!registered) throw unknownServer(id)
    demandNamespace(principal, registered.server.namespace)
    log.info({ audit: true, principal: principal?.name, server: id }, 'secrets were shown')
    return respondJson(c, withWhatMoves(registered.server))
  }

  function withWhatMoves(server: Server): Server {
    return { ...server, health: { ...server.health, ...monitor.volatile(server.id) } }
  }

  async function check(c: ApiContext): Promise<Response> {
    const id = idIn(c)
    requireRole(c.env.principal, 'admin')
    const registered = id === undefined ? undefined : registry.get(id)
    if (id === undefined || !registered) throw unknownServer(id)
    demandNamespace(c.env.principal, registered.server.namespace)
    log.info({ audit: true, principal: c.env.principal?.name, server: id }, 'a check was asked for')
    const outcome = await monitor.check(id)
    const now = registry.get(id)
    if (!outcome || !now) throw unknownServer(id)
    return respondJson(c, { id, ...outcome, health: now.server.health })
  }

  api.get('/', list)
  api.get('/:name', show)
  api.get('/:namespace/:name', show)
  api.post('/:name/check', (c) => check(c))
  api.post('/:namespace/:name/check', (c) => check(c))
  return api
}

/** A principal bound to namespaces reaches into no other. */
export function demandNamespace(principal: Principal | undefined, namespace: string): void {
  if (!principal?.namespaces || principal.namespaces.includes(namespace)) return
  throw new Problem('namespace_forbidden', `This token is bound to other namespaces than "${namespace}".`)
}

function targetOf(c: ApiContext): string {
  const { pathname, search } = new URL(c.req.url)
  return pathname + search
}

/** The server that the path of a request names. */
export function idIn(c: ApiContext): ServerId | undefined {
  const path = targetOf(c)
    .replace(/\?.*/, '')
    .replace(/^(\/api\/v1)?\/servers\//, '')
  return serverIdIn(c.req.method === 'POST' ? path.replace(/\/check\/?$/, '') : path)
}

/** The parameters of one server, of which `view` changes nothing: it is shown in full. */
function shownBy(c: ApiContext): URLSearchParams {
  const { searchParams } = new URL(c.req.url)
  const unknown = [...searchParams.keys()].find((parameter) => parameter !== 'secrets' && parameter !== 'view')
  if (unknown !== undefined) throw wrong(unknown, `unknown parameter "${unknown}"; known are secrets, view`)
  if (searchParams.getAll('view').some((view) => view !== '' && view !== 'full'))
    throw wrong('view', 'view: must be "full"')
  return searchParams
}

/** Whether the parameters ask for secrets; a problem where they do not say so clearly. */
export function asksSecrets(parameters: URLSearchParams): boolean {
  const [said = '', ...others] = parameters.getAll('secrets').map((text) => text.toLowerCase())
  if (others.length > 0) throw wrong('secrets', 'secrets: is given twice')
  if (!['', 'true', '1', 'false', '0'].includes(said)) throw wrong('secrets', 'secrets: must be true or false')
  return said === 'true' || said === '1'
}

function wrong(parameter: string, detail: string): Problem {
  return new Problem('invalid_parameter', detail, { more: { parameter } })
}
