import { Problem } from '../../http/problem.ts'

export const maxQueries = 50

/** Parses the body of `POST /query`: the text of each query, or what is wrong with it. */
export function parseBatchRequest(body: unknown): readonly (string | Problem)[] {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Problem('body_not_object', 'The body must be a JSON object with "queries".')
  const { queries, ...others } = body as Record<string, unknown>
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) throw invalid(`unknown field "${unknown.slice(0, 100)}"; the only one is queries`)
  if (!Array.isArray(queries) || queries.length === 0 || queries.length > maxQueries)
    throw invalid(`queries: must be a list of 1 to ${maxQueries} queries`)
  return queries.map(textOf)
}

/** The query string of a query; a list in an object becomes a repeated parameter. */
function textOf(query: unknown): string | Problem {
  if (typeof query === 'string') return query.startsWith('?') ? query.slice(1) : query
  if (typeof query !== 'object' || query === null || Array.isArray(query))
    return invalid('must be a query string, or an object of the parameters of /servers')
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) {
      if (one === null) continue
      if (typeof one !== 'string' && typeof one !== 'number' && typeof one !== 'boolean')
        return invalid(`${name.slice(0, 100)}: must be a text, a number, true, false, or a list of these`, name)
      parameters.append(name, String(one))
    }
  }
  return parameters.toString()
}

function invalid(detail: string, parameter = 'queries'): Problem {
  return new Problem('invalid_parameter', detail, { more: { parameter: parameter.slice(0, 100) } })
}
