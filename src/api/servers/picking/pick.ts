import { LRUCache } from 'lru-cache'
import { chooseProviders } from '../../../model/balancing/choose.ts'
import { locationOf, type BalancedProvider } from '../../../model/balancing/provider.ts'
import type { RegisteredServer } from '../../../model/change.ts'
import { canonicalFilter, type ServerQuery } from '../../../model/query/query.ts'
import { type ApiContext, type ApiResponse, createRoutes } from '../../http/context.ts'
import { queryText } from '../../http/parameters.ts'
import { jsonReply } from '../../http/reply.ts'
import { respond } from '../../http/respond.ts'
import type { ApiPorts } from '../../ports.ts'
import { visibleTo } from '../visible-servers.ts'
import { noProvider } from './no-provider.ts'
import { parsePickRequest, type PickRequest } from './pick-request.ts'

/** Of more servers than this, the first by name are candidates: a choice among 10,000 takes some 20 ms. */
const maxCandidates = 10_000
/** LRU capacity, in queries whose round robin continues. */
const maxRounds = 1000
/** Picks beyond this size together are left out, but for the first. */
const maxPickBytes = 1024 * 1024

type Candidate = BalancedProvider & { readonly registered: RegisteredServer }

/** `GET /pick`: healthy servers that match, best first, each with the reason of its choice. */
export function pickApi({
  registry,
  supervisor,
  monitor,
  mesh,
}: Pick<ApiPorts, 'registry' | 'supervisor' | 'monitor' | 'mesh'>) {
  const api = createRoutes()
  /** By query: the number of its picks so far. Of this process alone. */
  const rounds = new LRUCache<string, number>({ max: maxRounds })

  function turnOf({ strategy, query, zone, region }: PickRequest): number {
    if (strategy !== 'round_robin') return 0
    const round = JSON.stringify([canonicalFilter(query), zone, region])
    const turn = rounds.get(round) ?? 0
    rounds.set(round, turn + 1)
    return turn
  }

  /** Enabled servers that are healthy; degraded ones where there are none. */
  function usableBy(query: ServerQuery): readonly RegisteredServer[] {
    if (query.enabled === false) return []
    for (const status of ['healthy', 'degraded'] as const) {
      if (query.status.length > 0 && !query.status.includes(status)) continue
      const { page } = registry.select({ ...query, enabled: true, status: [status], limit: maxCandidates })
      if (page.length > 0) return page
    }
    return []
  }

  function candidateOf(registered: RegisteredServer, { strategy }: PickRequest): Candidate {
    const { id, status, labels } = registered.server
    const candidate = { registered, id, status, ...locationOf(labels) }
    if (strategy === 'fastest') return { ...candidate, latencyMs: monitor.figuresOf(id)?.latencyMs }
    return strategy === 'least_load' ? { ...candidate, load: mesh.loadOf(id) } : candidate
  }

  function pick(c: ApiContext): ApiResponse {
    const request = parsePickRequest(new URLSearchParams(queryText(c.env.incoming.url ?? '')))
    const query = visibleTo(c.env.principal, request.query)
    const candidates = usableBy(query).map((registered) => candidateOf(registered, request))
    const syncing = supervisor.syncing()
    if (candidates.length === 0) throw noProvider(registry.select({ ...query, limit: maxCandidates }), syncing)
    const matched = registry.select({ ...query, limit: 1 }).total
    const resource_version = registry.token()
    const { strategy, key, zone, region, n } = request
    const turn = turnOf(request)
    const chosen = chooseProviders(candidates, { strategy, key, zone, region, turn, limit: n })
    const picks = piecesOf(chosen)
    const more = { count: picks.length, matched, strategy, resource_version }
    const members = JSON.stringify({ ...more, ...(syncing.length > 0 && { syncing }) })
    const body = Buffer.from(`{"picks":[${picks.join(',')}],${members.slice(1)}`)
    return respond(c, jsonReply(body, { headers: { 'cache-control': 'no-store' } }))
  }

  api.get('/pick', pick)
  return api
}

/** The JSON of each pick, as many as fit into the size of a response. */
function piecesOf(chosen: readonly { readonly provider: Candidate; readonly reason: string }[]): string[] {
  const pieces: string[] = []
  let bytes = 0
  for (const { provider, reason } of chosen) {
    const { registered, zone, region, latencyMs: latency_ms, load } = provider
    const server = registered.json()
    bytes += server.length
    if (bytes > maxPickBytes && pieces.length > 0) break
    pieces.push(`{"server":${server.toString()},${JSON.stringify({ reason, zone, region, latency_ms, load }).slice(1)}`)
  }
  return pieces
}
