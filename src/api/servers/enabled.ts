import type { RegisteredServer } from '../../model/change.ts'
import { parseQuery } from '../../model/query/query-parser.ts'
import { parameterProblem } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import type { ApiPorts } from '../ports.ts'

/** Parameters of the form of a list, which apply to `/servers` only. */
const listParameters = ['limit', 'continue', 'sort', 'fields', 'view']

/** The enabled servers that the filters of `/servers` select; `otherParameters` are allowed, but not filters. */
export function enabledServers(
  registry: ApiPorts['registry'],
  parameters: URLSearchParams,
  otherParameters: readonly string[] = [],
): readonly RegisteredServer[] {
  for (const parameter of listParameters) {
    if (parameters.get(parameter))
      throw new Problem('invalid_parameter', `${parameter}: applies to /servers only`, { more: { parameter } })
  }
  const parsed = parseQuery(parameters, { otherParameters })
  if ('problem' in parsed) throw parameterProblem(parsed.problem)
  return parsed.query.enabled === false ? [] : registry.select({ ...parsed.query, enabled: true }).page
}
