import { parseFlag } from '../../model/data/flag.ts'
import { isJsonObject } from '../../model/data/json-object.ts'
import { parseQuery } from '../../model/query/query-parser.ts'
import type { ServerQuery } from '../../model/query/query.ts'
import { ParameterProblem } from '../errors.ts'
import type { AgentQuery } from './search.ts'

export type Parameters = Iterable<readonly [string, string]>

type ParameterNames = Readonly<Record<string, keyof ServerQuery>>

/** The parameters of `/agents`, each with its name in a registry query. */
const agentParameters: ParameterNames = {
  namespace: 'namespace',
  status: 'status',
  capability: 'capability',
  capability_category: 'capability_category',
  category: 'capability_category',
  capability_stability: 'capability_stability',
  stability: 'capability_stability',
  capability_tags: 'capability_tags',
  tags: 'capability_tags',
  label_selector: 'label_selector',
  fuzzy_match: 'fuzzy_match',
  version_constraint: 'version_constraint',
  limit: 'limit',
}

/** The parameters of `/capabilities`, each with its name in a registry query. */
const capabilityParameters: ParameterNames = {
  agent_namespace: 'namespace',
  agent_status: 'status',
  name: 'capability',
  category: 'capability_category',
  stability: 'capability_stability',
  tags: 'capability_tags',
  version_constraint: 'version_constraint',
}

/** Parses the parameters of `GET /agents`. As in the original, unknown ones are ignored; empty ones count as absent. */
export function parseAgentQuery(parameters: Parameters): AgentQuery {
  const entries = [...parameters]
  const required = entries
    .filter(([name, value]) => name === 'capabilities' && value !== '')
    .flatMap(([, value]) => value.split(','))
  const query = toServerQuery(entries, agentParameters)
  const cursor = entries.find(([name]) => name === 'continue')?.[1] || undefined
  const [first, ...moreCapabilities] = required
  if (query.capability.length > 0 || first === undefined) return { query, moreCapabilities: required, cursor }
  return { query: { ...query, capability: [first] }, moreCapabilities, cursor }
}

/** Parses the query of `discover_services`: an object; without `status` only healthy agents match. */
export function parseDiscoveryQuery(query: Readonly<Record<string, unknown>>): AgentQuery {
  const { labels, status = 'healthy', ...rest } = query
  const selector = Object.entries(isJsonObject(labels) ? labels : {}).map(([key, value]) => `${key}=${asText(value)}`)
  const parameters = toParameters({ ...rest, status })
  if (selector.length > 0) parameters.push(['label_selector', selector.join(',')])
  return parseAgentQuery(parameters)
}

/** A query for capabilities; `query` restricts their servers. */
export type CapabilityQuery = {
  readonly query: ServerQuery
  readonly agent_id: string | undefined
  /** Any of these; empty: any name. */
  readonly names: readonly string[]
  readonly match: 'exact' | 'part' | 'fuzzy'
  readonly description_contains: string | undefined
  readonly include_deprecated: boolean
}

/** Parses the parameters of `GET /capabilities`. */
export function parseCapabilityQuery(parameters: Parameters): CapabilityQuery {
  const entries = [...parameters]
  const values = new Map(entries)
  const agent_id = values.get('agent_id') || undefined
  const [isFuzzy, isExact] = [flagIn(values, 'fuzzy_match'), flagIn(values, 'exact')]
  const query = toServerQuery(entries, capabilityParameters)
  // A query by id alone matches whatever the status of the agent.
  const status = values.has('agent_status') || agent_id !== undefined ? query.status : (['healthy'] as const)
  return {
    // A fuzzy search includes every name that contains the text, ignoring case.
    query: { ...query, status: [...status], fuzzy_match: true },
    agent_id,
    names: query.capability.includes('*') ? [] : query.capability,
    match: isFuzzy ? 'fuzzy' : isExact ? 'exact' : 'part',
    description_contains: values.get('description_contains')?.toLowerCase() || undefined,
    include_deprecated: flagIn(values, 'include_deprecated'),
  }
}

/** The arguments of a tool as parameters; a list becomes a repeated parameter. */
export function toParameters(fields: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]): [string, string][] => {
    if (value === undefined || value === null) return []
    if (Array.isArray(value)) return value.map((item) => [name, asText(item)])
    return [[name, asText(value)]]
  })
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Translates parameters to a registry query; problems name the parameter as it was sent. */
function toServerQuery(entries: readonly (readonly [string, string])[], names: ParameterNames): ServerQuery {
  const translated = entries.flatMap(([name, value]): [string, string][] => {
    const queryName = Object.hasOwn(names, name) ? names[name] : undefined
    return queryName === undefined ? [] : [[queryName, value]]
  })
  const parsed = parseQuery(translated)
  if ('query' in parsed) return parsed.query
  const { parameter, detail } = parsed.problem
  const sentName = entries.find(([name, value]) => names[name] === parameter && value !== '')?.[0] ?? parameter
  const reason = detail.startsWith(`${parameter}: `) ? detail.slice(parameter.length + 2) : detail
  const message = reason.startsWith('Invalid label selector') ? reason : `${sentName}: ${reason}`
  throw new ParameterProblem(sentName, message)
}

function flagIn(values: ReadonlyMap<string, string>, name: string): boolean {
  const text = values.get(name)?.toLowerCase() ?? ''
  const flag = parseFlag(text)
  if (flag !== undefined) return flag
  if (['yes', 'on'].includes(text)) return true
  if (['', 'no', 'off'].includes(text)) return false
  throw new ParameterProblem(name, `${name}: must be true or false`)
}
