import type { RegisteredServer } from '../../model/change.ts'
import { excerptOf } from '../../model/data/excerpt.ts'
import { isJsonObject } from '../../model/data/json-object.ts'
import { ParameterProblem } from '../errors.ts'
import { parseDiscoveryQuery } from './query-parameters.ts'
import type { AgentPage, AgentQuery } from './search.ts'
import type { AgentMatch } from './views.ts'

/** The arguments of `discover_services`, inside `query` or beside it. */
const queryFields = [
  'capabilities',
  'capability',
  'labels',
  'label_selector',
  'namespace',
  'status',
  'capability_category',
  'category',
  'capability_stability',
  'stability',
  'capability_tags',
  'tags',
  'version_constraint',
  'fuzzy_match',
  'limit',
  'continue',
] as const
const knownFields: ReadonlySet<string> = new Set(queryFields)

/** The right shape, for messages about a wrong one. */
const discoveryShape =
  '{"query": {"capabilities": ["weather"], "labels": {"env": "prod"}, "status": "healthy"}, "include_servers": true}; ' +
  `the fields of query are ${queryFields.join(', ')}`

export type Discovery = { readonly query: AgentQuery; readonly includesServers: boolean }

/** The result of `discover_services`. */
export type Discovered = {
  readonly status: 'success'
  readonly agents: readonly Record<string, unknown>[]
  /** Servers that are not agents, where these are asked for. */
  readonly servers?: readonly Record<string, unknown>[]
  /** Agents and servers. */
  readonly count: number
  readonly continue?: string
  /** What finds more, where nothing was found. */
  readonly hint?: string
}

/** Parses the arguments of `discover_services`. The fields of its query may stand beside `query`; others are an error. */
export function parseDiscovery(fields: Readonly<Record<string, unknown>>): Discovery {
  const { query: inner, include_servers: includesServers = false, ...outer } = fields
  const query = inner ?? {}
  if (!isJsonObject(query)) throw wrongShape('query', 'must be an object')
  if (typeof includesServers !== 'boolean') throw wrongShape('include_servers', 'must be true or false')
  for (const name of Object.keys({ ...outer, ...query }))
    if (!knownFields.has(name)) throw wrongShape(name, 'is unknown')
  const twice = Object.keys(outer).find((name) => Object.hasOwn(query, name))
  if (twice !== undefined) throw wrongShape(twice, 'stands in query and beside it')
  const all = { ...outer, ...query }
  if (!isJsonObject(all['labels'] ?? {})) throw wrongShape('labels', 'must be an object')
  return { query: parseDiscoveryQuery(all), includesServers }
}

function wrongShape(name: string, reason: string): ParameterProblem {
  const field = excerptOf(name)
  return new ParameterProblem(field, `${field} ${reason}: send ${discoveryShape}.`)
}

/** Finds agents, and other servers too where the arguments say so. */
export function createDiscovery({
  find,
  agentView,
}: {
  find: (query: AgentQuery, options: { readonly includesServers: boolean }) => AgentPage
  agentView: (match: AgentMatch) => Record<string, unknown>
}) {
  return (
    fields: Readonly<Record<string, unknown>>,
    { defaultLimit }: { readonly defaultLimit?: number } = {},
  ): Discovered => {
    const { query: asked, includesServers } = parseDiscovery(fields)
    const query = { ...asked, query: { ...asked.query, limit: asked.query.limit ?? defaultLimit } }
    const { agents, servers, next } = find(query, { includesServers })
    const hint = includesServers || agents.length > 0 ? undefined : hintOf(query)
    return {
      status: 'success',
      agents: agents.map(agentView),
      ...(includesServers && { servers: servers.map(serverJson) }),
      count: agents.length + servers.length,
      ...(next !== undefined && { continue: next }),
      ...(hint !== undefined && { hint }),
    }
  }

  function hintOf(query: AgentQuery): string | undefined {
    const unlimited = { ...query, query: { ...query.query, limit: undefined }, cursor: undefined }
    const { length } = find(unlimited, { includesServers: true }).servers
    if (length === 0) return undefined
    return length === 1
      ? '1 server matches that is not an agent; include_servers: true returns it.'
      : `${length} servers match that are not agents; include_servers: true returns them.`
  }
}

function serverJson({ json }: RegisteredServer): Record<string, unknown> {
  return JSON.parse(json().toString()) as Record<string, unknown>
}
