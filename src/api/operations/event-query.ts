import { serverId } from '../../model/names.ts'
import type { Principal } from '../../model/principal.ts'
import { parseDuration } from '../../model/schema/duration.ts'
import type { EventQuery } from '../../stores/event.ts'
import { requireNamespace } from '../http/access/authenticator.ts'
import { parameterProblem } from '../http/parameters.ts'
import type { Problem } from '../http/problem.ts'

/** Events of one response: the default, the least and the most of the original mesh registry. */
const limits = { default: 50, min: 1, max: 500 } as const
/** Maximum `wait`, in seconds. */
const maxWait = 600

const names = [
  'type',
  'agent_id',
  'server',
  'namespace',
  'function_name',
  'source',
  'since',
  'limit',
  'after',
  'before',
  'wait',
] as const
type ParameterName = (typeof names)[number]

/** Parameters of which any value may match. */
const repeatable = new Set<string>(['type', 'namespace', 'source'])
const maxValues = 64

/** A request for events, and how long it waits for the first one. */
export type EventsRequest = { readonly query: EventQuery; readonly waitMs: number }

/** Parses the parameters of `GET /events`. A principal that is bound to namespaces gets the events of these alone. */
export function parseEventsRequest(parameters: URLSearchParams, principal: Principal): EventsRequest {
  for (const name of new Set(parameters.keys())) {
    if (!names.some((known) => known === name))
      throw invalid(name, `is no parameter of events; use ${names.join(', ')}`)
    if (parameters.getAll(name).length > (repeatable.has(name) ? maxValues : 1))
      throw invalid(name, repeatable.has(name) ? `is given more than ${maxValues} times` : 'is given twice')
  }
  const text = (name: ParameterName) => parameters.get(name) || undefined
  const texts = (name: ParameterName) => {
    const given = parameters.getAll(name).filter((value) => value !== '')
    return given.length > 0 ? given : undefined
  }
  const after = parseId('after', text('after'))
  const before = parseId('before', text('before'))
  if (after !== undefined && before !== undefined) throw invalid('before', 'does not apply with after')
  const filter = {
    // Each is a type of ours or one of the original mesh registry; another one selects nothing.
    types: texts('type'),
    agent_id: text('agent_id'),
    server: parseServer(text('server')),
    function_name: text('function_name'),
    source: texts('source'),
    since: parseSince(text('since')),
    namespaces: parseNamespaces(texts('namespace'), principal),
  }
  const query = { filter, limit: parseLimit(parameters.get('limit')), after, before }
  return { query, waitMs: parseWait(text('wait'), after) }
}

/** A plain name belongs to the namespace `default`. */
function parseServer(text: string | undefined): string | undefined {
  return text === undefined || text.includes('/') ? text : serverId('default', text)
}

function parseNamespaces(
  namespaces: readonly string[] | undefined,
  principal: Principal,
): readonly string[] | undefined {
  for (const namespace of namespaces ?? []) requireNamespace(principal, namespace)
  return namespaces ?? principal.namespaces
}

/** A time, or a duration before now. */
function parseSince(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seconds = parseDuration(text)
  const time = seconds === undefined ? Date.parse(text) : Date.now() - seconds * 1000
  if (Number.isNaN(time) || (seconds === undefined && !/^\d{4}-\d\d-\d\d/.test(text)))
    throw invalid('since', 'must be a time such as 2026-01-31T12:00:00Z, or a duration such as 15m')
  return time
}

/** A number beyond the limits is brought back to them, as in the original. */
function parseLimit(text: string | null): number {
  if (text === null) return limits.default
  if (!/^-?\d+$/.test(text)) throw invalid('limit', `must be a whole number from ${limits.min} to ${limits.max}`)
  return Math.min(limits.max, Math.max(limits.min, Number(text)))
}

function parseId(name: 'after' | 'before', text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) throw invalid(name, 'must be the id of an event')
  return String(Number(text))
}

function parseWait(text: string | undefined, after: string | undefined): number {
  if (text === undefined) return 0
  if (after === undefined) throw invalid('wait', 'applies with after')
  const seconds = parseDuration(text)
  if (seconds === undefined || seconds > maxWait) throw invalid('wait', `must be a duration of at most ${maxWait}s`)
  return seconds * 1000
}

function invalid(parameter: string, detail: string): Problem {
  return parameterProblem({ parameter, detail: `${parameter}: ${detail}` })
}
