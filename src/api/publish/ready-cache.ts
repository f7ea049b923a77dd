import { openToAll } from '../http/access/cors.ts'
import { Problem } from '../http/problem.ts'
import { createResponseCache } from '../http/response-cache.ts'
import type { ApiPorts } from '../ports.ts'

/**
 * Kept answers for those who take what is missing for gone, and to whom nobody can say that sources are still being
 * read: so until the daemon is ready there is no answer.
 */
export function createKeptWhole(
  { registry, supervisor }: Pick<ApiPorts, 'registry' | 'supervisor'>,
  headers: Readonly<Record<string, string>> = openToAll,
) {
  const kept = createResponseCache(registry)

  /** Throws until every source has been read, or has been waited for long enough. */
  function mustBeWhole(): void {
    if (!supervisor.ready()) throw notYet(supervisor.syncing(), headers)
  }

  const answer: typeof kept.answer = async (...asked) => {
    mustBeWhole()
    return kept.answer(...asked)
  }

  return { answer, mustBeWhole }
}

function notYet(syncing: readonly string[], headers: Readonly<Record<string, string>>): Problem {
  return new Problem(
    'not_ready',
    `Not every source has been read since the start: ${syncing.join(', ')}. Ask again soon.`,
    {
      headers: { 'retry-after': '1', ...headers },
      more: { syncing },
    },
  )
}
