import { type Strategy, strategies } from '../../../model/balancing/choose.ts'
import { parseQuery } from '../../../model/query/query-parser.ts'
import type { ServerQuery } from '../../../model/query/query.ts'
import { parameterProblem } from '../../http/parameters.ts'

export const maxPicks = 50
const maxTextLength = 253

/** The parameters of `GET /pick` beside the filters of `/servers`. */
const ownParameters = ['strategy', 'key', 'zone', 'region', 'n'] as const
/** Parameters of a list that mean nothing here. */
const listParameters = ['sort', 'limit', 'continue', 'fields', 'view'] as const

/** Which servers may be picked, how, and how many. */
export type PickRequest = {
  readonly query: ServerQuery
  readonly strategy: Strategy
  readonly key?: string | undefined
  readonly zone?: string | undefined
  readonly region?: string | undefined
  readonly n: number
}

/** Parses the parameters of `GET /pick`; throws the problem that names a wrong one. */
export function parsePickRequest(parameters: URLSearchParams): PickRequest {
  const parsed = parseQuery(parameters, { otherParameters: ownParameters })
  if ('problem' in parsed) throw parameterProblem(parsed.problem)
  for (const parameter of listParameters)
    if (parameters.get(parameter)) throw invalid(parameter, 'does not apply to /pick; n is the number of picks')
  const [key, zone, region] = ['key', 'zone', 'region'].map((name) => textOf(parameters, name))
  const strategy = strategyOf(textOf(parameters, 'strategy'))
  if (strategy === 'sticky' && key === undefined)
    throw invalid('key', 'is needed by the strategy sticky: a session or a user, for example')
  return { query: parsed.query, strategy, key, zone, region, n: countOf(textOf(parameters, 'n')) }
}

function textOf(parameters: URLSearchParams, name: string): string | undefined {
  const [value = '', ...others] = parameters.getAll(name)
  if (others.length > 0) throw invalid(name, 'is given twice')
  if (value.length > maxTextLength) throw invalid(name, `must be at most ${maxTextLength} characters`)
  return value === '' ? undefined : value
}

function strategyOf(text: string | undefined): Strategy {
  const strategy = text === undefined ? 'random' : strategies.find((one) => one === text)
  if (strategy === undefined) throw invalid('strategy', `must be one of ${strategies.join(', ')}`)
  return strategy
}

function countOf(text = '1'): number {
  const n = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (n < 1 || n > maxPicks) throw invalid('n', `must be a whole number from 1 to ${maxPicks}`)
  return n
}

function invalid(parameter: string, detail: string): Error {
  return parameterProblem({ parameter, detail: `${parameter}: ${detail}` })
}
