import { openToAll } from '../cors.ts'
import { createKept } from '../kept.ts'
import type { ApiParts } from '../parts.ts'
import { Problem } from '../problem.ts'

/**
 * Kept answers for those who take what is missing for gone, and to whom nobody can say that sources are still being
 * read: so until the daemon is ready there is no answer.
 */
export function createKeptWhole({ registry, supervisor }: Pick<ApiParts, 'registry' | 'supervisor'>) {
  const kept = createKept(registry)

  const answer: typeof kept.answer = async (...asked) => {
    if (!supervisor.ready()) throw notYet(supervisor.syncing())
    return kept.answer(...asked)
  }

  return { answer }
}

function notYet(syncing: readonly string[]): Problem {
  return new Problem(503, `Not every source has been read since the start: ${syncing.join(', ')}. Ask again soon.`, {
    headers: { 'retry-after': '1', ...openToAll },
    more: { syncing },
  })
}
