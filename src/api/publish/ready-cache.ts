import { publicReadHeaders } from '../http/access/cors.ts'
import { Problem } from '../http/problem.ts'
import { createResponseCache } from '../http/response-cache.ts'
import type { ApiPorts } from '../ports.ts'

/**
 * A response cache for formats that cannot name the sources still being read. Its clients would delete what is missing, so
 * every request gets 503 until the daemon is ready.
 */
export function createReadyCache(
  { registry, supervisor }: Pick<ApiPorts, 'registry' | 'supervisor'>,
  headers: Readonly<Record<string, string>> = publicReadHeaders,
) {
  const cache = createResponseCache(registry)

  /** Throws a 503 until every source has answered once, or its time to do so has passed. */
  function assertReady(): void {
    if (!supervisor.ready()) throw notReady(supervisor.syncing(), headers)
  }

  const answer: typeof cache.answer = async (...request) => {
    assertReady()
    return cache.answer(...request)
  }

  return { answer, assertReady }
}

function notReady(syncing: readonly string[], headers: Readonly<Record<string, string>>): Problem {
  return new Problem('not_ready', `Sources not read since the start: ${syncing.join(', ')}. Retry after 1 s.`, {
    headers: { 'retry-after': '1', ...headers },
    more: { syncing },
  })
}
