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
