import { createRoutes } from '../http/context.ts'
import { queryText } from '../http/parameters.ts'
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
  const tags = createPerRevision(registry.token, () => {
    const counted = shown(registry.counts('tag'))
    return { tags: counted, count: Object.keys(counted).length, resource_version: registry.token() }
  })

  api.get('/tags', (c) => respond(c, tags()))
  api.get('/stats', (c) => {
    const query = queryText(c.env.incoming.url ?? '')
    const parameters = query === '' ? undefined : new URLSearchParams(query)
    return parameters?.has('window') ? statisticsViews.summarize(c, parameters) : respond(c, stats())
  })
  return api
}

function statsOf({ counts, counters, size }: Counted): Record<string, unknown> {
  const [status, enabled] = [counts('status'), counts('enabled')]
  const { stale, capabilities } = counters()
  return {
    total_servers: size(),
    enabled_servers: enabled.get('true') ?? 0,
    disabled_servers: enabled.get('false') ?? 0,
    healthy_servers: status.get('healthy') ?? 0,
    unhealthy_servers: status.get('unhealthy') ?? 0,
    stale_servers: stale,
    discovery_methods: shown(counts('discovery_method')),
    by_status: shown(status),
    by_source: shown(counts('source')),
    by_namespace: shown(counts('namespace')),
    by_type: shown(counts('type')),
    by_tag: shown(counts('tag')),
    total_capabilities: capabilities,
  }
}

/** The most frequent first. */
function shown(counts: ReadonlyMap<string, number>): Record<string, number> {
  return Object.fromEntries([...counts].toSorted(([one, a], [other, b]) => b - a || (one < other ? -1 : 1)))
}
