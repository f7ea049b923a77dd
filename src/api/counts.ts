import { Hono } from 'hono'
import type { Server } from '../model/server.ts'
import type { Bindings } from './edge.ts'
import type { ApiParts } from './parts.ts'
import { createPerRevision, respond } from './respond.ts'

/** How many servers there are of each kind; `/stats` in the words of the original registry. */
export function countsApi({ registry }: Pick<ApiParts, 'registry'>) {
  const api = new Hono<{ Bindings: Bindings }>({ strict: false })
  const servers = () => registry.list().map(({ server }) => server)
  const stats = createPerRevision(registry.token, () => ({ ...statsOf(servers()), resource_version: registry.token() }))
  const tags = createPerRevision(registry.token, () => {
    const counted = count(servers(), (server) => server.tags)
    return { tags: counted, count: Object.keys(counted).length, resource_version: registry.token() }
  })

  api.get('/tags', (c) => respond(c, tags()))
  api.get('/stats', (c) => respond(c, stats()))
  return api
}

function statsOf(servers: readonly Server[]): Record<string, unknown> {
  const byStatus = count(servers, ({ status }) => [status])
  return {
    total_servers: servers.length,
    enabled_servers: servers.filter(({ enabled }) => enabled).length,
    disabled_servers: servers.filter(({ enabled }) => !enabled).length,
    healthy_servers: byStatus['healthy'] ?? 0,
    unhealthy_servers: byStatus['unhealthy'] ?? 0,
    stale_servers: servers.filter(({ stale }) => stale).length,
    discovery_methods: count(servers, ({ discovery_method }) => [discovery_method]),
    by_status: byStatus,
    by_source: count(servers, ({ source }) => [source]),
    by_namespace: count(servers, ({ namespace }) => [namespace]),
    by_type: count(servers, ({ type }) => [type]),
    by_tag: count(servers, ({ tags }) => tags),
    total_capabilities: servers.reduce((sum, { capabilities }) => sum + capabilities.length, 0),
  }
}

/** Counts by key, the most frequent first. */
function count(servers: readonly Server[], keysOf: (server: Server) => readonly string[]): Record<string, number> {
  const counts = new Map<string, number>()
  for (const server of servers) {
    for (const key of new Set(keysOf(server))) counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  return Object.fromEntries([...counts].toSorted(([one, a], [other, b]) => b - a || (one < other ? -1 : 1)))
}
