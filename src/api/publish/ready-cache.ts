import { unfilteredQuery } from '../../model/query/query.ts'
import { publicReadHeaders } from '../http/access/cors.ts'
import { parameterProblem } from '../http/parameters.ts'
import { Problem } from '../http/problem.ts'
import type { Reply } from '../http/reply.ts'
import { createResponseCache } from '../http/response-cache.ts'
import type { ApiPorts } from '../ports.ts'

type ReadyCacheOptions = {
  readonly headers?: Readonly<Record<string, string>>
  /** Whether a list without the servers of one source is of no use: its clients drop what is missing. */
  readonly needsEverySource?: boolean
}

/** The parameters that a request filters by; of them only `source` matters here. */
type Filter = Pick<URLSearchParams, 'getAll'>

/** Names the sources that have not answered, URL-encoded, where the format of the body has no place for them. */
const syncingHeader = 'mcp-roster-syncing'

/** Maximum number of sources that a problem names. */
const maxNamedSources = 20

const unfiltered: Filter = { getAll: () => [] }

/**
 * A response cache for formats whose clients delete what is missing.
 *
 * Every request gets a 503 until the startup is over, and afterwards while a source that it asks for was never read and
 * nothing else is there to show. A filter by an unknown source gets a 400. What is shown without a source has no ETag, and a header
 * that names it.
 */
export function createReadyCache(
  { registry, supervisor }: Pick<ApiPorts, 'registry' | 'supervisor'>,
  { headers: defaultHeaders = publicReadHeaders, needsEverySource = false }: ReadyCacheOptions = {},
) {
  const cache = createResponseCache(registry)

  /**
   * The sources without an answer that the filter asks for. Throws a 503 where the list cannot be without them, and a 400 for
   * a source that does not exist: a typing error would be an empty list.
   */
  function assertReady(filter: Filter = unfiltered): readonly string[] {
    const named = filter.getAll('source').flatMap((text) => text.split(',').filter((name) => name !== ''))
    const known = supervisor.names()
    // Requests may come before the sources start.
    if (known.length === 0 && !supervisor.isStarted())
      throw notReady(supervisor.syncing(), defaultHeaders, needsEverySource)
    const unknown = named.find((name) => !known.includes(name))
    if (unknown !== undefined) throw unknownSource(unknown, known)
    const missing = supervisor.syncing().filter((name) => named.length === 0 || named.includes(name))
    const isUsable = needsEverySource ? missing.length === 0 : supervisor.isStarted()
    if (!isUsable || (missing.length > 0 && isEmpty(named))) throw notReady(missing, defaultHeaders, needsEverySource)
    return missing
  }

  /** Whether nothing is known of these sources, or of any. Restored readings count. */
  function isEmpty(sources: readonly string[]): boolean {
    if (sources.length === 0) return registry.size() === 0
    return registry.select({ ...unfilteredQuery, source: [...sources], limit: 1 }).total === 0
  }

  /** The cached reply under a key; `make` is told which sources are missing. */
  async function answer(
    key: string,
    make: (syncing: readonly string[]) => Promise<Buffer>,
    { filter, headers = defaultHeaders }: { filter?: Filter; headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Reply> {
    const syncing = assertReady(filter)
    const isComplete = syncing.length === 0
    return await cache.answer(isComplete ? key : `${key} without ${syncing.join()}`, () => make(syncing), {
      headers: isComplete ? headers : { ...headers, [syncingHeader]: syncing.map(encodeURIComponent).join(', ') },
      hasEtag: isComplete,
    })
  }

  return { answer, assertReady }
}

function unknownSource(name: string, known: readonly string[]): Problem {
  const names = known.length > maxNamedSources ? [...known.slice(0, maxNamedSources), '…'] : known
  const detail = `source: unknown source ${JSON.stringify(name.slice(0, 63))}; the sources are ${names.join(', ')}`
  return parameterProblem({ parameter: 'source', detail })
}

function notReady(
  syncing: readonly string[],
  headers: Readonly<Record<string, string>>,
  needsEverySource: boolean,
): Problem {
  const remedy = needsEverySource ? 'Retry after 1 s, or leave them out with source=NAME.' : 'Retry after 1 s.'
  const names = syncing.join(', ') || 'all'
  return new Problem('not_ready', `Sources not read since the start: ${names}. ${remedy}`, {
    headers: { 'retry-after': '1', ...headers },
    more: { syncing },
  })
}
