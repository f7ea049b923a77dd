import { parseQuery } from '../../model/query/query-parser.ts'
import type { ServerQuery } from '../../model/query/query.ts'
import { ParameterProblem } from '../errors.ts'
import { isMap } from '../parsing/normalize.ts'
import type { AgentQuery } from './search.ts'

export type Parameters = Iterable<readonly [string, string]>

/** What the parameters of `/agents` are called in a query of the registry. */
const ofAgents: Readonly<Record<string, keyof ServerQuery>> = {
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

/** And those of `/capabilities`. */
const ofCapabilities: Readonly<Record<string, keyof ServerQuery>> = {
  agent_namespace: 'namespace',
  agent_status: 'status',
  name: 'capability',
  category: 'capability_category',
  stability: 'capability_stability',
  tags: 'capability_tags',
  version_constraint: 'version_constraint',
}

/** Reads the parameters of `GET /agents`. Unknown ones are ignored, as they always were; an empty one is as if not given. */
export function parseAgentQuery(parameters: Parameters): AgentQuery {
  const given = [...parameters]
  const also = given
    .filter(([name, value]) => name === 'capabilities' && value !== '')
    .flatMap(([, value]) => value.split(','))
  const query = queryIn(given, ofAgents)
  const after = given.find(([name]) => name === 'continue')?.[1] || undefined
  if (query.capability !== undefined || also.length === 0) return { query, also, after }
  const [first, ...rest] = also
  return { query: { ...query, capability: first }, also: rest, after }
}

/** Reads the query of `discover_services`: an object, in which no `status` means healthy. */
export function parseDiscovery(query: Readonly<Record<string, unknown>>): AgentQuery {
  const { labels, status = 'healthy', ...rest } = query
  const selector = Object.entries(isMap(labels) ? labels : {}).map(([key, value]) => `${key}=${textOf(value)}`)
  const parameters = Object.entries({ ...rest, status }).flatMap(([name, value]) => entriesOf(name, value))
  if (selector.length > 0) parameters.push(['label_selector', selector.join(',')])
  return parseAgentQuery(parameters)
}

/** What is asked of capabilities, beside what is asked of the servers that have them. */
export type CapabilityQuery = {
  readonly query: ServerQuery
  readonly agent_id: string | undefined
  readonly name: string | undefined
  readonly match: 'exact' | 'part' | 'fuzzy'
  readonly description_contains: string | undefined
  readonly include_deprecated: boolean
}

/** Reads the parameters of `GET /capabilities`. */
export function parseCapabilityQuery(parameters: Parameters): CapabilityQuery {
  const given = [...parameters]
  const own = new Map(given)
  const agent_id = own.get('agent_id') || undefined
  const fuzzy = flagIn(own, 'fuzzy_match')
  const query = queryIn(given, ofCapabilities)
  // Of whom nothing but its id is asked, its status does not matter.
  const status = own.has('agent_status') || agent_id !== undefined ? query.status : (['healthy'] as const)
  return {
    // What contains the name, ignoring case, is among what is found fuzzily.
    query: { ...query, status: [...status], fuzzy_match: true },
    agent_id,
    name: query.capability === '*' ? undefined : query.capability,
    match: fuzzy ? 'fuzzy' : flagIn(own, 'exact') ? 'exact' : 'part',
    description_contains: own.get('description_contains')?.toLowerCase() || undefined,
    include_deprecated: flagIn(own, 'include_deprecated'),
  }
}

/** An object as parameters, lists repeated: what tools are called with. */
export function asParameters(fields: Readonly<Record<string, unknown>>): [string, string][] {
  return Object.entries(fields).flatMap(([name, value]) => entriesOf(name, value))
}

function entriesOf(name: string, value: unknown): [string, string][] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value.map((one) => [name, textOf(one)])
  return [[name, textOf(value)]]
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function queryIn(
  given: readonly (readonly [string, string])[],
  names: Readonly<Record<string, keyof ServerQuery>>,
): ServerQuery {
  const renamed = given.flatMap(([name, value]): [string, string][] => {
    const own = Object.hasOwn(names, name) ? names[name] : undefined
    return own === undefined ? [] : [[own, value]]
  })
  const parsed = parseQuery(renamed)
  if ('query' in parsed) return parsed.query
  const { parameter, detail } = parsed.problem
  const said = given.find(([name, value]) => names[name] === parameter && value !== '')?.[0] ?? parameter
  const reason = detail.startsWith(`${parameter}: `) ? detail.slice(parameter.length + 2) : detail
  throw new ParameterProblem(said, reason.startsWith('Invalid label selector') ? reason : `${said}: ${reason}`)
}

function flagIn(given: ReadonlyMap<string, string>, name: string): boolean {
  const said = given.get(name)?.toLowerCase() ?? ''
  if (['true', '1', 'yes', 'on'].includes(said)) return true
  if (['', 'false', '0', 'no', 'off'].includes(said)) return false
  throw new ParameterProblem(name, `${name}: must be true or false`)
}
