import { parseQuery, type ParameterIssue as Wrong } from '../../../model/query/query-parser.ts'
import { canonicalQuery, type ServerQuery } from '../../../model/query/query.ts'
import { memoize } from '../../http/memoize.ts'
import { Problem } from '../../http/problem.ts'

/** What the text of a query asks for: a list, something that is no list (a watch, secrets), or nothing sensible. */
export type ListRequest =
  | { readonly type: 'list'; readonly query: ServerQuery; readonly key: string }
  | { readonly type: 'other' }
  | { readonly type: 'wrong'; readonly wrong: Wrong }

/** Parameters by which `/servers` is asked for something else than a list. */
const besides = ['watch', 'index', 'wait', 'resource_version', 'secrets'] as const

/** Reads the part of a target behind the `?`, once per text. */
export function createListRequests(): (raw: string) => ListRequest {
  return memoize(1000, askedIn)
}

function askedIn(raw: string): ListRequest {
  const parameters = new URLSearchParams(raw)
  const parsed = parseQuery(parameters, { besides })
  if ('problem' in parsed) return { type: 'wrong', wrong: parsed.problem }
  if (besides.some((name) => isGiven(parameters.get(name)))) return { type: 'other' }
  return { type: 'list', query: parsed.query, key: canonicalQuery(parsed.query) }
}

/** An empty parameter is as if not given, and so is a switch that is off. */
function isGiven(value: string | null): boolean {
  return value !== null && value !== '' && value !== '0' && value.toLowerCase() !== 'false'
}

export function parameterProblem({ parameter, detail }: Wrong): Problem {
  return new Problem('invalid_parameter', detail, { more: { parameter } })
}
