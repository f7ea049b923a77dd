import type { RegisteredServer } from '../../model/change.ts'
import { parseQuery } from '../../model/query/query-parser.ts'
import { parameterProblem } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import type { ApiPorts } from '../ports.ts'

/** Parameters that say how a list is shown; what shows enabled servers in a shape of its own has no use for them. */
const shaping = ['limit', 'continue', 'sort', 'fields', 'view']

/** The enabled servers that any filters of `/servers` choose; `besides` are parameters that are no filters. */
export function enabledServers(
  registry: ApiPorts['registry'],
  parameters: URLSearchParams,
  besides: readonly string[] = [],
): readonly RegisteredServer[] {
  for (const parameter of shaping) {
    if (parameters.get(parameter))
      throw new Problem('invalid_parameter', `${parameter}: is for /servers only`, { more: { parameter } })
  }
  const parsed = parseQuery(parameters, { otherParameters: besides })
  if ('problem' in parsed) throw parameterProblem(parsed.problem)
  return parsed.query.enabled === false ? [] : registry.select({ ...parsed.query, enabled: true }).page
}
