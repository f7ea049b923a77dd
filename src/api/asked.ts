import { parseQuery, type Problem as Wrong } from '../model/parameters.ts'
import { canonical, type ServerQuery } from '../model/query.ts'
import { createMemo } from './memo.ts'
import { Problem } from './problem.ts'

/** What the text of a query asks for: a list, something that is no list (a watch, secrets), or nothing sensible. */
export type Asked =
  | { readonly type: 'list'; readonly query: ServerQuery; readonly key: string }
  | { readonly type: 'other' }
  | { readonly type: 'wrong'; readonly wrong: Wrong }

/** Parameters by which `/servers` is asked for something else than a list. */
const besides = ['watch', 'index', 'wait', 'resource_version', 'secrets'] as const

/** Reads the part of a target behind the `?`, once per text. */
export function createAsked(): (raw: string) => Asked {
  return createMemo(1000, askedIn)
}

function askedIn(raw: string): Asked {
  const parameters = new URLSearchParams(raw)
  const parsed = parseQuery(parameters, { besides })
  if ('problem' in parsed) return { type: 'wrong', wrong: parsed.problem }
  if (besides.some((name) => isGiven(parameters.get(name)))) return { type: 'other' }
  return { type: 'list', query: parsed.query, key: canonical(parsed.query) }
}

/** An empty parameter is as if not given, and so is a switch that is off. */
function isGiven(value: string | null): boolean {
  return value !== null && value !== '' && value !== '0' && value.toLowerCase() !== 'false'
}

export function problemOf({ parameter, detail }: Wrong): Problem {
  return new Problem(400, detail, { more: { parameter } })
}
