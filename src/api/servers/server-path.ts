import { percentDecode } from '../../model/data/percent-encoding.ts'
import { defaultNamespace, Namespace, type ServerId, serverId, ServerName } from '../../model/names.ts'
import { memoize } from '../http/memoize.ts'
import { Problem } from '../http/problem.ts'

const maxRememberedPaths = 1000

/**
 * The server that the raw target of a request names: `/servers/weather`, `/api/v1/servers/team-a/weather?view=full`,
 * with URL-encoded names; null for a target that can name none.
 */
export const serverIdInTarget = memoize(maxRememberedPaths, (target: string): ServerId | null => {
  const path = target.replace(/\?.*$/s, '').replace(/^(\/api\/v1)?\/servers\//, '')
  return serverIdIn(path) ?? null
})

/**
 * The same for a GET, where `/servers/watch` names no server; `/servers/default/watch` does.
 *
 * `/watch` has no route of its own: beside `/:name`, Hono's RegExpRouter would leave all routes to its TrieRouter, which
 * costs a request 1.3 µs more, a tenth of what a short response costs in the process.
 */
export const shownServerId = memoize(maxRememberedPaths, (target: string): ServerId | null =>
  /^(?:\/api\/v1)?\/servers\/watch\/?(?:\?|$)/.test(target) ? null : serverIdInTarget(target),
)

/** The same for the target of a probe, `/servers/weather/probe`. */
export function probedServerId(target: string): ServerId | null {
  return serverIdInTarget(target.replace(/\/(?:probe|check)\/?(?:\?.*)?$/s, ''))
}

/** The same for the path of its discover result, `/servers/team-a/weather/discover`. */
export function discoveredServerId(target: string): ServerId | null {
  return serverIdInTarget(target.replace(/\/discover\/?(?:\?.*)?$/s, ''))
}

/** The same for the path of its statistics, `/servers/team-a/weather/stats`. */
export function statisticsServerId(target: string): ServerId | null {
  return serverIdInTarget(target.replace(/\/stats\/?(?:\?.*)?$/s, ''))
}

/** Whether a target may ask for the statistics of a server of the namespace `default`, `/servers/weather/stats`. */
export function hasStatisticsPath(target: string): boolean {
  return /\/servers\/[^/?]+\/stats\/?(?:\?.*)?$/s.test(target)
}

/** The same for the path of its override, `/servers/team-a/weather/override`; `/servers/a/override` is a server. */
export function overriddenServerId(target: string): ServerId | null {
  return serverIdInTarget(target.replace(/\/override\/?(?:\?.*)?$/s, ''))
}

/** The server and the tool in the target of a call, `/servers/team-a/weather/tools/forecast`; without a tool for any other. */
export function toolCallIn(target: string): { readonly id: ServerId | null; readonly tool?: string } {
  const [, path = target, name] = /^(.*\/servers\/[^/?]+\/[^/?]+)\/tools\/([^/?]+)\/?(?:\?.*)?$/s.exec(target) ?? []
  const tool = name === undefined ? undefined : percentDecode(name)
  return { id: serverIdInTarget(path), ...(tool === undefined ? {} : { tool }) }
}

function serverIdIn(path: string): ServerId | undefined {
  const parts = path.replace(/\/$/, '').split('/')
  if (parts.length > 2) return undefined
  const [first, second] = parts.map(percentDecode)
  if (first === undefined) return undefined
  if (parts.length === 1) return ServerName.safeParse(first).success ? serverId(defaultNamespace, first) : undefined
  if (second === undefined || !Namespace.safeParse(first).success || !ServerName.safeParse(second).success)
    return undefined
  return serverId(first, second)
}

export function unknownServer(id: ServerId | null): Problem {
  return new Problem(
    'server_not_found',
    id === null ? 'The path contains no valid server name.' : `Unknown server "${id}".`,
  )
}
