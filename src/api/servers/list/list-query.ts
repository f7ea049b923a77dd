import { parseQuery } from '../../../model/query/query-parser.ts'
import { canonicalQuery, type ServerQuery } from '../../../model/query/query.ts'
import { memoize } from '../../http/memoize.ts'
import { parameterProblem } from '../../http/parameters.ts'
import type { Problem } from '../../http/problem.ts'

/** The meaning of a query text: a list, a request of another kind (a watch, secrets), or a problem. */
export type ListRequest =
  | { readonly type: 'list'; readonly query: ServerQuery; readonly key: string }
  | { readonly type: 'other' }
  | { readonly type: 'invalid'; readonly problem: Problem }

/** Parameters that make a request to `/servers` something else than a list. */
const otherParameters = ['watch', 'secrets', 'index', 'wait', 'resource_version'] as const

const maxRememberedQueries = 1000

/** Parses the query text of `/servers`, once per text. */
export function createListRequestParser(): (text: string) => ListRequest {
  return memoize(maxRememberedQueries, parseListRequest)
}

function parseListRequest(text: string): ListRequest {
  const parameters = new URLSearchParams(text)
  const parsed = parseQuery(parameters, { otherParameters })
  if ('problem' in parsed) return { type: 'invalid', problem: parameterProblem(parsed.problem) }
  if (otherParameters.some((name) => isGiven(name, parameters.get(name) ?? ''))) return { type: 'other' }
  return { type: 'list', query: parsed.query, key: canonicalQuery(parsed.query) }
}

/** An empty parameter counts as absent, and so does a switch that is off. */
function isGiven(name: string, value: string): boolean {
  const isOff = value === '0' || value.toLowerCase() === 'false'
  return value !== '' && !(isOff && (name === 'watch' || name === 'secrets'))
}
