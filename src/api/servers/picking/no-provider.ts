import type { RegisteredServer } from '../../../model/change.ts'
import type { SelectedServers } from '../../../registry/index/server-index.ts'
import { Problem } from '../../http/problem.ts'

const retrySeconds = 5

/** The problem of a pick without a result: nothing matched, or what matched cannot be used now. */
export function noProvider({ total, page }: SelectedServers, syncing: readonly string[]): Problem {
  const waiting = syncing.length > 0 ? ` Sources not read yet: ${syncing.join(', ')}.` : ''
  const more = { matched: total, ...(syncing.length > 0 && { syncing }) }
  if (total === 0 && syncing.length === 0)
    return new Problem('provider_not_found', 'No server matches these filters.', { more })
  const headers = { 'retry-after': String(retrySeconds) }
  if (total === 0)
    return new Problem('provider_unavailable', `No server matches these filters yet.${waiting}`, { headers, more })
  const counts = countsOf(page)
  const detail = `${sentenceOf(total, counts)}${waiting}`
  return new Problem('provider_unavailable', detail, { headers, more: { ...more, ...counts } })
}

/** Enabled servers by status, and disabled ones; absent where there are none. */
type StateCounts = { readonly statuses: Readonly<Record<string, number>>; readonly disabled: number }

function countsOf(matched: readonly RegisteredServer[]): StateCounts {
  const statuses: Record<string, number> = {}
  let disabled = 0
  for (const { server } of matched) {
    if (server.enabled) statuses[server.status] = (statuses[server.status] ?? 0) + 1
    else disabled += 1
  }
  return { statuses, disabled }
}

/** As in "3 servers match, and none is healthy: 2 unhealthy, 1 disabled." */
function sentenceOf(total: number, { statuses, disabled }: StateCounts): string {
  const states = Object.entries(statuses).map(([status, count]) => `${count} ${status}`)
  const parts = disabled > 0 ? [...states, `${disabled} disabled`] : states
  const beginning =
    total === 1 ? '1 server matches, and it is not healthy' : `${total} servers match, and none is healthy`
  return `${beginning}: ${parts.join(', ')}.`
}
