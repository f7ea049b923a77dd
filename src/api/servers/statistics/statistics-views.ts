import { LRUCache } from 'lru-cache'
import { runCooperatively } from '../../../flow/cooperative.ts'
import { type WindowName, windowNames } from '../../../health/statistics/rings.ts'
import { createWindowTotals } from '../../../health/statistics/window-totals.ts'
import type { RegisteredServer } from '../../../model/change.ts'
import type { ServerId } from '../../../model/names.ts'
import { mayUseNamespace } from '../../../model/principal.ts'
import { parseQuery } from '../../../model/query/query-parser.ts'
import { canonicalQuery, type ServerQuery } from '../../../model/query/query.ts'
import type { ApiContext } from '../../http/context.ts'
import { parameterProblem, queryText } from '../../http/parameters.ts'
import { respondJson } from '../../http/respond.ts'
import type { ApiPorts } from '../../ports.ts'
import { unknownServer } from '../server-path.ts'
import { visibleTo } from '../visible-servers.ts'

const maxWorst = 10
/** The summary of more servers than this takes a moment, and is shared by the requests of the next seconds. */
const shared = { aboveServers: 1000, maxSummaries: 16, ttlMs: 5000 } as const
/** Parameters of a list that mean nothing here. */
const listParameters = ['sort', 'limit', 'continue', 'fields', 'view'] as const

/** What probes showed of one server, and of many, over the last hour, day and week. Made for each request: it changes with each probe. */
export function createStatisticsViews({ registry, statistics }: Pick<ApiPorts, 'registry' | 'statistics'>) {
  const summaries = new LRUCache<string, Promise<object>>({ max: shared.maxSummaries, ttl: shared.ttlMs })

  /** The statistics of one server, of all windows or of the one that is asked for. */
  function show(c: ApiContext, id: ServerId | null): Response | Promise<Response> {
    const registered = id === null ? undefined : registry.get(id)
    if (id === null || !registered || !mayUseNamespace(c.env.principal, registered.server.namespace))
      throw unknownServer(id)
    const parameters = new URLSearchParams(queryText(c.env.incoming.url ?? ''))
    for (const name of parameters.keys())
      if (name !== 'window') throw invalid(name, 'is no parameter of statistics; use window')
    const name = windowOf(parameters)
    const rings = statistics.ringsOf(id)
    const windows = (name ? [name] : windowNames).map((name) => {
      const totals = createWindowTotals(name, statistics.minute())
      if (rings) totals.add(rings)
      return [name, totals.view()]
    })
    return respondJson(c, {
      id,
      measured: rings !== undefined,
      ...(!rings && { reason: unmeasuredReason(registered) }),
      timeline: statistics.timeline(id),
      windows: Object.fromEntries(windows),
    })
  }

  function unmeasuredReason({ server }: RegisteredServer): string {
    if (statistics.isFull())
      return 'The statistics of other servers take all the memory that there is for them (100 MiB).'
    return server.status === 'unknown'
      ? 'Nothing tells whether it is well: it is not probed, and has no lease.'
      : 'It was not probed yet.'
  }

  /** The statistics of all servers that the filters select, as far as the principal may see them. */
  async function summarize(c: ApiContext, parameters: URLSearchParams): Promise<Response> {
    const name = windowOf(parameters)
    if (!name) throw invalid('window', `must be one of ${windowNames.join(', ')}`)
    for (const other of listParameters) if (parameters.get(other)) throw invalid(other, 'does not apply to statistics')
    const parsed = parseQuery(parameters, { otherParameters: ['window'] })
    if ('problem' in parsed) throw parameterProblem(parsed.problem)
    return respondJson(c, await summaryOf(visibleTo(c.env.principal, parsed.query), name))
  }

  function summaryOf(query: ServerQuery, name: WindowName): Promise<object> {
    const { page } = registry.select(query)
    if (page.length <= shared.aboveServers) return runCooperatively(summary(page, name))
    const key = `${name} ${canonicalQuery(query)}`
    const existing = summaries.get(key)
    if (existing) return existing
    const made = runCooperatively(summary(page, name))
    summaries.set(key, made)
    return made
  }

  function* summary(page: readonly RegisteredServer[], name: WindowName): Generator<void, object> {
    const minute = statistics.minute()
    const totals = createWindowTotals(name, minute)
    const rated: {
      readonly id: ServerId
      readonly status: string
      readonly failing: number
      readonly flaps: number
    }[] = []
    let measured = 0
    for (const { server } of page) {
      yield
      const rings = statistics.ringsOf(server.id)
      if (!rings) continue
      measured += 1
      const { ok, failed, flaps } = totals.add(rings)
      if (failed + flaps > 0)
        rated.push({ id: server.id, status: server.status, failing: failed / Math.max(1, ok + failed), flaps })
    }
    const worst = rated.toSorted((a, b) => b.failing - a.failing || b.flaps - a.flaps).slice(0, maxWorst)
    return {
      window: name,
      servers: page.length,
      measured,
      ...totals.view(),
      worst: worst.map(({ id, status }) => ({ id, status, ...totalsOf(id, name, minute) })),
      resource_version: registry.token(),
    }
  }

  function totalsOf(id: ServerId, name: WindowName, minute: number): object {
    const totals = createWindowTotals(name, minute)
    const rings = statistics.ringsOf(id)
    if (rings) totals.add(rings)
    return totals.total()
  }

  return { show, summarize }
}

function windowOf(parameters: URLSearchParams): WindowName | undefined {
  const [text = '', ...others] = parameters.getAll('window')
  if (others.length > 0) throw invalid('window', 'is given twice')
  const name = windowNames.find((one) => one === text)
  if (text !== '' && !name) throw invalid('window', `must be one of ${windowNames.join(', ')}`)
  return name
}

function invalid(parameter: string, detail: string): Error {
  return parameterProblem({ parameter, detail: `${parameter}: ${detail}` })
}

export type StatisticsViews = ReturnType<typeof createStatisticsViews>
