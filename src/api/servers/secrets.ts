import type { ServerId } from '../../model/names.ts'
import { parseQuery } from '../../model/query/query-parser.ts'
import type { Server } from '../../model/server.ts'
import { requireNamespace, requireSecretsRight } from '../http/access/authenticator.ts'
import type { ApiContext, ApiResponse } from '../http/context.ts'
import { parameterProblem } from '../http/parameters.ts'
import { respondJson } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import { requestedFields } from './list/list-encoding.ts'
import { unknownServer } from './server-path.ts'

/** Servers with their secrets, for principals that have the right; every response is audited and never cached. */
export function createSecretsView({ registry, monitor, log }: Pick<ApiPorts, 'registry' | 'monitor' | 'log'>) {
  function list(c: ApiContext, parameters: URLSearchParams): ApiResponse {
    const { principal } = c.env
    requireSecretsRight(principal)
    const parsed = parseQuery(parameters, { otherParameters: ['secrets'] })
    if ('problem' in parsed) throw parameterProblem(parsed.problem)
    const { view, fields } = parsed.query
    const { page, total, next } = registry.select(parsed.query)
    for (const { server } of page) requireNamespace(principal, server.namespace)
    log.info({ audit: true, principal: principal.name, servers: page.length }, 'secrets shown')
    const servers = page.map(({ server }) => {
      const full = view === 'full' ? withVolatileHealth(server) : server
      return fields.length > 0 ? requestedFields(full, fields) : full
    })
    const position = { count: page.length, total, resource_version: registry.token() }
    return respondJson(c, { servers, ...position, ...(next === undefined ? {} : { continue: next }) })
  }

  function show(c: ApiContext, id: ServerId | null): ApiResponse {
    const { principal } = c.env
    requireSecretsRight(principal)
    const registered = id === null ? undefined : registry.get(id)
    if (!registered) throw unknownServer(id)
    requireNamespace(principal, registered.server.namespace)
    log.info({ audit: true, principal: principal.name, server: id }, 'secrets shown')
    return respondJson(c, withVolatileHealth(registered.server))
  }

  function withVolatileHealth(server: Server): Server {
    return { ...server, health: { ...server.health, ...monitor.volatile(server.id) } }
  }

  return { list, show }
}

/** Whether the parameters ask for secrets. Throws for a value that is not a clear yes or no. */
export function wantsSecrets(parameters: URLSearchParams): boolean {
  const [value = '', ...others] = parameters.getAll('secrets').map((text) => text.toLowerCase())
  if (others.length > 0) throw secretsProblem('is given twice')
  if (!['', 'true', '1', 'false', '0'].includes(value)) throw secretsProblem('must be true or false')
  return value === 'true' || value === '1'
}

function secretsProblem(detail: string): Error {
  return parameterProblem({ parameter: 'secrets', detail: `secrets: ${detail}` })
}
