import { LRUCache } from 'lru-cache'
import type { MeshOperations } from '../../agents/mesh-operations.ts'
import { parseAgentQuery } from '../../agents/queries/query-parameters.ts'
import { type AgentQuery, type AgentPage } from '../../agents/queries/search.ts'
import type { AgentMatch } from '../../agents/queries/views.ts'
import { runCooperatively } from '../../flow/cooperative.ts'
import type { ApiContext, ApiHandler, ApiResponse } from '../http/context.ts'
import { queryText } from '../http/parameters.ts'
import { respond } from '../http/respond.ts'
import { createResponseCache } from '../http/response-cache.ts'
import { maxCachedBodyBytes } from '../http/sending/streamed-body.ts'
import { respondItems } from './json-list.ts'

/** Age that the times of heartbeats in a list may reach, in ms. */
const timesMs = 5000
/** Maximum size of the cached lists together. A longer list is made for each request. */
const maxCachedBytes = 16 * 1024 * 1024
const maxRememberedLists = 100
/** Default of the number of agents above which a list is not collected, but streamed. */
const defaultMaxCollected = 5000

/**
 * `GET /agents`: made once until an agent changes. Heartbeats alone change it every 5 s at most: it shows their times as of
 * the last full 5 s.
 */
export function createAgentList(
  mesh: Pick<MeshOperations, 'find' | 'token' | 'listVersion' | 'listEncoder' | 'assertReady'>,
  { now = Date.now, maxCollected = defaultMaxCollected }: { now?: () => number; maxCollected?: number } = {},
): ApiHandler {
  const timesAsOf = () => now() - (now() % timesMs)
  const cacheToken = () => `${mesh.listVersion()};${timesAsOf() / timesMs}`
  const cache = createResponseCache({ token: cacheToken, maxBytes: maxCachedBytes })
  /** Lists that are too long to be cached, by version and query. */
  const tooLong = new LRUCache<string, true>({ max: maxRememberedLists })

  /** Selects again while the revision changes meanwhile: reading the registry may expire a lease. */
  function select(query: AgentQuery): AgentPage & { readonly token: string } {
    for (;;) {
      const token = mesh.token()
      const page = mesh.find(query)
      if (mesh.token() === token) return { ...page, token }
    }
  }

  return (c: ApiContext): ApiResponse => {
    mesh.assertReady()
    const text = queryText(c.env.incoming.url ?? '')
    const cached = cache.get(text)
    if (cached) return respond(c, cached)
    const { agents, next, token } = select(parseAgentQuery(new URLSearchParams(text)))
    const encode = mesh.listEncoder(timesAsOf())
    const members = { resource_version: token, ...(next === undefined ? {} : { continue: next }) }
    const key = `${cacheToken()} ${text}`
    const stream = () => respondItems(c, { name: 'agents', items: agents, encode, members })
    if (agents.length > maxCollected || tooLong.has(key)) return stream()
    const made = cache.answer(text, () => runCooperatively(collect(agents, encode, members)))
    return made.then(
      (reply) => respond(c, reply),
      (error: unknown) => {
        if (!(error instanceof TooLongError)) throw error
        tooLong.set(key, true)
        return stream()
      },
    )
  }
}

/** A list is too long to be collected. */
class TooLongError extends Error {}

function* collect(
  agents: readonly AgentMatch[],
  encode: (match: AgentMatch) => string,
  members: object,
): Generator<void, Buffer> {
  const items: string[] = []
  let length = 0
  for (const agent of agents) {
    const item = encode(agent)
    items.push(item)
    length += item.length
    if (length > maxCachedBodyBytes) throw new TooLongError()
    yield
  }
  const rest = JSON.stringify({ count: agents.length, timestamp: new Date().toISOString(), ...members })
  return Buffer.from(`{"agents":[${items.join()}],${rest.slice(1)}`)
}
