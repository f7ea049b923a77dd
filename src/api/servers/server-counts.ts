import { LRUCache } from 'lru-cache'
import { runCooperatively } from '../../flow/cooperative.ts'
import type { RegisteredServer } from '../../model/change.ts'
import { parseQuery } from '../../model/query/query-parser.ts'
import { canonicalQuery } from '../../model/query/query.ts'
import type { Server } from '../../model/server.ts'
import { type ApiContext, createRoutes } from '../http/context.ts'
import { parameterProblem, queryText } from '../http/parameters.ts'
import { jsonReply, type Reply, stateTag } from '../http/reply.ts'
import { createPerRevision, respond } from '../http/respond.ts'
import type { ApiPorts } from '../ports.ts'
import type { StatisticsViews } from './statistics/statistics-views.ts'

type Counted = Pick<ApiPorts['registry'], 'counts' | 'counters' | 'size'>

/** Numbers of servers by kind; `/stats` with the field names of the original registry. */
export function countsApi({
  registry,
  statisticsViews,
}: Pick<ApiPorts, 'registry'> & { statisticsViews: Pick<StatisticsViews, 'summarize'> }) {
  const api = createRoutes()
  const stats = createPerRevision(registry.token, () => ({
    ...statsOf(registry),
    resource_version: registry.token(),
  }))
  const selected = new LRUCache<string, Promise<Reply>>({ max: maxSelections })
  const tags = createPerRevision(registry.token, () => {
    const counted = shown(registry.counts('tag'))
    return { tags: counted, count: Object.keys(counted).length, resource_version: registry.token() }
  })

  api.get('/tags', (c) => respond(c, tags()))
  api.get('/stats', (c) => {
    const query = queryText(c.env.incoming.url ?? '')
    if (query === '') return respond(c, stats())
    const parameters = new URLSearchParams(query)
    return parameters.has('window') ? statisticsViews.summarize(c, parameters) : countSelected(c, parameters)
  })

  /** Counts the servers that the filters select; answered from memory until the servers change. */
  async function countSelected(c: ApiContext, parameters: URLSearchParams): Promise<Response> {
    for (const name of listParameters)
      if (parameters.get(name)) throw parameterProblem({ parameter: name, detail: `${name}: does not apply to counts` })
    const parsed = parseQuery(parameters)
    if ('problem' in parsed) throw parameterProblem(parsed.problem)
    const token = registry.token()
    const key = `${token} ${canonicalQuery(parsed.query)}`
    const reply = selected.get(key) ?? runCooperatively(countsOf(registry.select(parsed.query).page, token))
    selected.set(key, reply)
    return respond(c, await reply)
  }

  return api
}

/** Parameters of the form of a list. */
const listParameters = ['sort', 'limit', 'continue', 'fields', 'view'] as const
/** Replies with the counts of filters that are kept. */
const maxSelections = 32

function* countsOf(page: readonly RegisteredServer[], token: string): Generator<void, Reply> {
  const counts = createCounts()
  for (const { server } of page) {
    yield
    counts.add(server)
  }
  const body = Buffer.from(JSON.stringify({ ...counts.view(), resource_version: token }))
  return jsonReply(body, { etag: stateTag(token) })
}

/** Counts servers by what the counts of all are made of. */
function createCounts() {
  const total = { servers: 0, stale: 0, capabilities: 0 }
  const maps = {
    status: count(),
    enabled: count(),
    method: count(),
    source: count(),
    namespace: count(),
    type: count(),
    tag: count(),
  }

  function add(server: Server): void {
    total.servers += 1
    total.capabilities += server.capabilities.length
    if (server.stale) total.stale += 1
    maps.status.add(server.status)
    maps.enabled.add(String(server.enabled))
    maps.method.add(server.discovery_method)
    maps.source.add(server.source)
    maps.namespace.add(server.namespace)
    maps.type.add(server.type)
    for (const tag of server.tags) maps.tag.add(tag)
  }

  const view = () =>
    statsView({
      size: total.servers,
      stale: total.stale,
      capabilities: total.capabilities,
      status: maps.status.counts,
      enabled: maps.enabled.counts,
      method: maps.method.counts,
      source: maps.source.counts,
      namespace: maps.namespace.counts,
      type: maps.type.counts,
      tag: maps.tag.counts,
    })
  return { add, view }
}

function count() {
  const counts = new Map<string, number>()
  return { counts, add: (key: string) => void counts.set(key, (counts.get(key) ?? 0) + 1) }
}

type Counts = ReadonlyMap<string, number>

function statsOf({ counts, counters, size }: Counted): Record<string, unknown> {
  return statsView({
    size: size(),
    ...counters(),
    status: counts('status'),
    enabled: counts('enabled'),
    method: counts('discovery_method'),
    source: counts('source'),
    namespace: counts('namespace'),
    type: counts('type'),
    tag: counts('tag'),
  })
}

type Totals = { readonly size: number; readonly stale: number; readonly capabilities: number }
type CountsByKind = Readonly<Record<'status' | 'enabled' | 'method' | 'source' | 'namespace' | 'type' | 'tag', Counts>>

function statsView({ size, stale, capabilities, ...counts }: Totals & CountsByKind): Record<string, unknown> {
  return {
    total_servers: size,
    enabled_servers: counts.enabled.get('true') ?? 0,
    disabled_servers: counts.enabled.get('false') ?? 0,
    healthy_servers: counts.status.get('healthy') ?? 0,
    unhealthy_servers: counts.status.get('unhealthy') ?? 0,
    stale_servers: stale,
    discovery_methods: shown(counts.method),
    by_status: shown(counts.status),
    by_source: shown(counts.source),
    by_namespace: shown(counts.namespace),
    by_type: shown(counts.type),
    by_tag: shown(counts.tag),
    total_capabilities: capabilities,
  }
}

/** The most frequent first. */
function shown(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([one, a], [other, b]) => b - a || (one < other ? -1 : 1)))
}
