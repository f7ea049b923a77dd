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
  const [value, ...others] = new URLSearchParams(queryText(target)).getAll('dry_run')
  if (value === undefined) return false
  if (others.length > 0) throw dryRunProblem('is given twice')
  if (/^(?:true|1|)$/i.test(value)) return true
  if (/^(?:false|0)$/i.test(value)) return false
  throw dryRunProblem('must be true or false')
}

function dryRunProblem(detail: string): Error {
  return parameterProblem({ parameter: 'dry_run', detail: `dry_run: ${detail}` })
}
