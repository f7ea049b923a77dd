import { zodMessage } from '../schema/zod-messages.ts'
import { parseCursor } from './cursor.ts'
import { unfilteredQuery, ServerQuery } from './query.ts'

/** An invalid parameter, and what is wrong with it. */
export type ParameterIssue = { readonly parameter: string; readonly detail: string }

/** The parameters that may be repeated. */
const repeatable = new Set([
  'namespace',
  'source',
  'type',
  'capability',
  'tool',
  'prompt',
  'resource',
  'extension',
  'tag',
  'any_tag',
  'status',
  'capability_tags',
  'fields',
])
const maxParameters = 256

const knownParameters = () => ServerQuery.unwrap().shape

/**
 * Parses the parameters of a URL as a query.
 *
 * An empty parameter counts as absent. `unknown` decides whether unknown parameters are rejected or ignored. The parameters
 * in `otherParameters` belong to the caller and are skipped.
 */
export function parseQuery(
  parameters: Iterable<readonly [string, string]>,
  {
    unknown = 'reject',
    otherParameters = [],
  }: { unknown?: 'reject' | 'ignore'; otherParameters?: readonly string[] } = {},
): { readonly query: ServerQuery } | { readonly problem: ParameterIssue } {
  const collected = collect(parameters, unknown, otherParameters)
  if ('problem' in collected) return collected
  // The most frequent query, and usually the first: it does not have to wait until the schema is built.
  if (Object.keys(collected.given).length === 0) return { query: unfilteredQuery }
  const parsed = ServerQuery.safeParse(collected.given, { error: zodMessage })
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    const parameter = String(issue?.path[0] ?? '')
    return { problem: { parameter, detail: `${parameter}: ${issue?.message ?? 'is not valid'}` } }
  }
  const position = parseCursor(parsed.data)
  if (position && 'problem' in position)
    return { problem: { parameter: 'continue', detail: `continue: ${position.problem}` } }
  return { query: parsed.data }
}

function collect(
  parameters: Iterable<readonly [string, string]>,
  unknown: 'reject' | 'ignore',
  otherParameters: readonly string[],
): { readonly given: Record<string, string | string[]> } | { readonly problem: ParameterIssue } {
  const given: Record<string, string | string[]> = {}
  let count = 0
  for (const [parameter, value] of parameters) {
    count += 1
    if (count > maxParameters) return { problem: { parameter, detail: `more than ${maxParameters} parameters` } }
    if (otherParameters.includes(parameter)) continue
    if (!Object.hasOwn(knownParameters(), parameter)) {
      if (unknown === 'ignore') continue
      const excerpt = parameter.slice(0, 100)
      return {
        problem: {
          parameter: excerpt,
          detail: `unknown parameter "${excerpt}"; known are ${[...Object.keys(knownParameters()), ...otherParameters].join(', ')}`,
        },
      }
    }
    if (value === '') continue
    const before = given[parameter]
    if (before !== undefined && !repeatable.has(parameter))
      return { problem: { parameter, detail: `${parameter}: is given twice` } }
    given[parameter] = repeatable.has(parameter) ? [before ?? [], value].flat() : value
  }
  return { given }
}
