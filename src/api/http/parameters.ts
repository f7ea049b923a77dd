import { nearestTo } from '../../model/query/fuzzy.ts'
import { Problem } from './problem.ts'

/** The part of a raw target behind its `?`; empty without one. */
export function queryText(target: string): string {
  const start = target.indexOf('?')
  return start < 0 ? '' : target.slice(start + 1)
}

/** Throws for a parameter of a raw target that is not among the known ones. */
export function assertKnownParameters(target: string, known: readonly string[] = []): void {
  const parameter = [...new URLSearchParams(queryText(target)).keys()].find((name) => !known.includes(name))
  if (parameter === undefined) return
  const nearest = nearestTo(parameter, known)
  const remedy = nearest === undefined ? `known are ${known.join(', ') || 'none'}` : `did you mean "${nearest}"?`
  throw parameterProblem({ parameter, detail: `unknown parameter "${parameter.slice(0, 100)}"; ${remedy}` })
}

/** The problem of a wrong query parameter, which it names. */
export function parameterProblem({ parameter, detail }: { parameter: string; detail: string }): Problem {
  return new Problem('invalid_parameter', detail, { more: { parameter } })
}

/** Whether the target of a write asks what it would do: `?dry_run=true`, or `?dry_run`. Throws for what is neither yes nor no. */
export function isDryRun(target: string): boolean {
  return isAsked(target, 'dry_run')
}

/** Whether a target asks for something by a switch: `?probe=true`, or `?probe`. Throws for what is neither yes nor no. */
export function isAsked(target: string, parameter: string): boolean {
  const problem = (detail: string) => parameterProblem({ parameter, detail: `${parameter}: ${detail}` })
  const [value, ...others] = new URLSearchParams(queryText(target)).getAll(parameter)
  if (value === undefined) return false
  if (others.length > 0) throw problem('is given twice')
  if (/^(?:true|1|)$/i.test(value)) return true
  if (/^(?:false|0)$/i.test(value)) return false
  throw problem('must be true or false')
}

/** What can be rehearsed: writes of a server by hand, overrides, the removal of an agent, and writes of the daemon itself. The parameters of a call through the proxy are for the agent. */
const rehearsed = [
  /^POST (?:\/api\/v1)?\/servers(?:\/import)?\/?$/,
  /^(?:PUT|PATCH|DELETE) (?:\/api\/v1)?\/servers(?:\/[^/]+){1,2}\/?$/,
  /^(?:PUT|DELETE) (?:\/api\/v1)?\/servers\/[^/]+\/[^/]+\/override\/?$/,
  /^DELETE (?:\/api\/v1)?\/agents\/[^/]+\/?$/,
  /^POST \/-\/(?:reload|trust-probes)$/,
  /^POST \/sources\/[^/]+\/release$/,
]
const forwarded = /^(?:\/api\/v1)?\/proxy\//

/**
 * The problem of a write that asks for a dry run but has none: it would be carried out. Undefined for any other request; never
 * throws.
 */
export function unheededDryRun(method: string, target: string): Problem | undefined {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return undefined
  const path = target.split('?', 1)[0] ?? ''
  if (rehearsed.some((one) => one.test(`${method} ${path}`)) || forwarded.test(path)) return undefined
  const values = new URLSearchParams(queryText(target)).getAll('dry_run')
  if (values.every((value) => /^(?:false|0)$/i.test(value))) return undefined
  return parameterProblem({ parameter: 'dry_run', detail: 'dry_run: this write cannot be rehearsed; nothing was done' })
}
