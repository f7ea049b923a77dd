import { Hono } from 'hono'
import type { Registered } from '../model/change.ts'
import { shortId } from '../model/names.ts'
import { parseQuery } from '../model/parameters.ts'
import type { Server } from '../model/server.ts'
import { demandSecrets } from './access.ts'
import { problemOf } from './asked.ts'
import { clientConfig, type ClientFormat, clientFormats } from './clients.ts'
import type { Bindings } from './edge.ts'
import type { ApiParts } from './parts.ts'
import { Problem } from './problem.ts'
import { type Reply, jsonReply } from './reply.ts'
import { type ApiContext, respond, respondJson } from './respond.ts'
import { demandNamespace, isOn } from './servers.ts'

/** What the answers of one revision may weigh together. */
const keptBytes = 8 * 1024 * 1024

const own = ['format', 'secrets']

/** Parameters that say how a list is shown, which a map is not. */
const shaping = ['limit', 'continue', 'sort', 'fields', 'view']

/** Enabled servers as a map, as the original registry's clients poll it, or as a ready client configuration. */
export function discoverApi({ registry, log }: Pick<ApiParts, 'registry' | 'log'>) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })
  const made = new Map<string, Reply>()
  let weight = 0
  let token = ''

  api.get('/discover', (c) => {
    const { search, searchParams } = new URL(c.req.url)
    if (isOn(searchParams.get('secrets'))) return withSecrets(c, searchParams)
    return respond(c, replyTo(search, searchParams))
  })

  function replyTo(search: string, parameters: URLSearchParams): Reply {
    const now = registry.token()
    if (now !== token || weight > keptBytes) {
      made.clear()
      weight = 0
    }
    token = now
    const found = made.get(search)
    if (found) return found
    const reply = jsonReply(bodyFor(parameters), { etag: `"${now}"` })
    made.set(search, reply)
    weight += reply.body.length + search.length
    return reply
  }

  function bodyFor(parameters: URLSearchParams): Buffer {
    const format = formatIn(parameters)
    const chosen = select(parameters)
    if (format === undefined) return mapOf(chosen.map(({ server, json }) => [shortId(server), json()]))
    // What everybody may see is the encoded form; the server itself holds the secrets.
    const shown = chosen.map(({ json }) => JSON.parse(json().toString()) as Server)
    return Buffer.from(`${JSON.stringify(clientConfig(format, shown), null, 2)}\n`)
  }

  function select(parameters: URLSearchParams): readonly Registered[] {
    for (const parameter of shaping) {
      if (parameters.get(parameter))
        throw new Problem(400, `${parameter}: is for /servers only`, { more: { parameter } })
    }
    const parsed = parseQuery(parameters, { besides: own })
    if ('problem' in parsed) throw problemOf(parsed.problem)
    return parsed.query.enabled === false ? [] : registry.select({ ...parsed.query, enabled: true }).page
  }

  function withSecrets(c: ApiContext, parameters: URLSearchParams): Promise<Response> {
    const { principal } = c.env
    demandSecrets(principal)
    if (formatIn(parameters)) throw new Problem(400, 'A client configuration never holds secrets; leave out "format".')
    const chosen = select(parameters)
    for (const { server } of chosen) demandNamespace(principal, server.namespace)
    log.info({ audit: true, principal: principal?.name, servers: chosen.length }, 'secrets were shown')
    return respondJson(c, { servers: Object.fromEntries(chosen.map(({ server }) => [shortId(server), server])) })
  }

  return api
}

function formatIn(parameters: URLSearchParams): ClientFormat | undefined {
  const format = parameters.get('format')
  if (format === null || format === '') return undefined
  const found = clientFormats.find((one) => one === format)
  if (found) return found
  throw new Problem(400, `format: must be one of ${clientFormats.join(', ')}`, { more: { parameter: 'format' } })
}

/** Joins what is encoded already. */
function mapOf(entries: readonly (readonly [string, Buffer])[]): Buffer {
  const parts: Buffer[] = []
  for (const [name, json] of entries)
    parts.push(Buffer.from(`${parts.length ? ',' : ''}${JSON.stringify(name)}:`), json)
  return Buffer.concat([Buffer.from('{"servers":{'), ...parts, Buffer.from('}}')])
}
