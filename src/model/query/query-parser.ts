import { zodMessage } from '../schema/zod-messages.ts'
import { parseCursor } from './cursor.ts'
import { unfilteredQuery, ServerQuery } from './query.ts'

/** What is wrong with which parameter, in words for whoever sent it. */
export type ParameterIssue = { readonly parameter: string; readonly detail: string }

const lists = new Set(['tag', 'any_tag', 'status', 'capability_tags', 'fields'])
const most = 256

const known = () => ServerQuery.unwrap().shape

/**
 * Reads the parameters of a URL as a query.
 *
 * An empty parameter is as if not given. What is not known is refused or ignored, as `unknown` says; those named in
 * `besides` are the caller's own business.
 */
export function parseQuery(
  parameters: Iterable<readonly [string, string]>,
  { unknown = 'refuse', besides = [] }: { unknown?: 'refuse' | 'ignore'; besides?: readonly string[] } = {},
): { readonly query: ServerQuery } | { readonly problem: ParameterIssue } {
  const gathered = gather(parameters, unknown, besides)
  if ('problem' in gathered) return gathered
  // Asked by most, and the first of all: it need not wait until the schema is built.
  if (Object.keys(gathered.given).length === 0) return { query: unfilteredQuery }
  const parsed = ServerQuery.safeParse(gathered.given, { error: zodMessage })
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

function gather(
  parameters: Iterable<readonly [string, string]>,
  unknown: 'refuse' | 'ignore',
  besides: readonly string[],
): { readonly given: Record<string, string | string[]> } | { readonly problem: ParameterIssue } {
  const given: Record<string, string | string[]> = {}
  let count = 0
  for (const [parameter, value] of parameters) {
    count += 1
    if (count > most) return { problem: { parameter, detail: `more than ${most} parameters` } }
    if (besides.includes(parameter)) continue
    if (!Object.hasOwn(known(), parameter)) {
      if (unknown === 'ignore') continue
      const shown = parameter.slice(0, 100)
      return {
        problem: {
          parameter: shown,
          detail: `unknown parameter "${shown}"; known are ${[...Object.keys(known()), ...besides].join(', ')}`,
        },
      }
    }
    if (value === '') continue
    const before = given[parameter]
    if (before !== undefined && !lists.has(parameter))
      return { problem: { parameter, detail: `${parameter}: is given twice` } }
    given[parameter] = lists.has(parameter) ? [before ?? [], value].flat() : value
  }
  return { given }
}
