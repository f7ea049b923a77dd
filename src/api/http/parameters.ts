import { Problem } from './problem.ts'

/** The part of a raw target behind its `?`; empty without one. */
export function queryText(target: string): string {
  const start = target.indexOf('?')
  return start < 0 ? '' : target.slice(start + 1)
}

/** The problem of a wrong query parameter, which it names. */
export function parameterProblem({ parameter, detail }: { parameter: string; detail: string }): Problem {
  return new Problem('invalid_parameter', detail, { more: { parameter } })
}
