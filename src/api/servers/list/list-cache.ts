import { LRUCache } from 'lru-cache'
import { runToCompletion } from '../../../flow/cooperative.ts'
import type { ServerId } from '../../../model/names.ts'
import { isByTime, isVolatile, type ServerQuery } from '../../../model/query/query.ts'
import { localToken } from '../../../model/query/state-token.ts'
import type { SelectedServers } from '../../../registry/index/server-index.ts'
import { Problem } from '../../http/problem.ts'
import { jsonReply, problemReply, type Reply, stateTag } from '../../http/reply.ts'
import { maxCachedBodyBytes, maxWholeBytes } from '../../http/sending/streamed-body.ts'
import type { VolatileParts } from '../detail-cache.ts'
import { bodyOfParts, type Encoder, encoderFor, type EncodedList, partsOfList } from './list-encoding.ts'
import { createListRequestParser } from './list-query.ts'

export type ListCachePorts = {
  readonly registry: { readonly token: () => string; readonly select: (query: ServerQuery) => SelectedServers }
  /** Names of the sources that have not answered since the start. */
  readonly syncing: () => readonly string[]
  readonly volatile: (id: ServerId) => VolatileParts | undefined
  /** Maximum size of all cached replies together. */
  readonly maxCachedBytes?: number
}

/** A list that is encoded piece by piece while it is sent. */
export type LongList = {
  readonly list: EncodedList
  readonly etag: string | undefined
  readonly encoder: Encoder
  /** Collects the body for the cache; none for a list that would not be cached, or while another request collects it. */
  readonly collector?: ListCollector
}

/** Collects the pieces of a body that is sent. */
export type ListCollector = {
  /** Takes a piece; false where the body is too long. */
  readonly add: (piece: Buffer) => boolean
  /** Caches the body where all of it was sent. */
  readonly end: (isSent: boolean) => void
}

type CachedList = { readonly syncing: string; readonly reply: Reply }

/** Maximum number of servers in a list that is encoded in one go; fewer where each server is encoded per request. */
const maxServersAtOnce = 1000
const maxEncodedServersAtOnce = 200
/** Number and length of the queries that are remembered as requested before. */
const maxRememberedQueries = 1000
const maxRememberedQueryLength = 1024
/** A list of more servers is cached at its second request only: most first-time queries never come again. */
const maxServersCachedAtOnce = 10
/** Time after which another request may collect the same body, in ms. */
const maxCollectingMs = 1000
/** Estimated overhead of a cache entry. */
const entryBytes = 1024

/**
 * The lists of `/servers`, each encoded once per query and revision.
 *
 * The cache holds replies of the newest revision only, and a lookup compares the registry's current token: it cannot
 * return a stale list.
 */
export function createListCache({ registry, syncing, volatile, maxCachedBytes = 32 * 1024 * 1024 }: ListCachePorts) {
  const parse = createListRequestParser()
  const maxEntrySize = Math.min(maxCachedBytes / 2, maxCachedBodyBytes)
  const cached = new LRUCache<string, CachedList>({
    maxSize: maxCachedBytes,
    maxEntrySize,
    sizeCalculation: ({ reply }, key) => reply.body.length + key.length + entryBytes,
  })
  /** Keys of this revision and of earlier ones: a polling client requests a list again after each change. */
  const requested = new LRUCache<string, true>({ max: maxRememberedQueries })
  /** Bodies that are being collected, by revision and key, with the times at which that began. */
  const collecting = new Map<string, number>()
  const counts = { hits: 0, misses: 0 }
  let cachedToken = ''

  /** The reply to a query text; undefined for a request of another kind, and for a list too long to encode in one go. */
  function answer(text: string): Reply | undefined {
    const request = parse(text)
    if (request.type === 'invalid') return problemReply(request.problem)
    if (request.type === 'other') return undefined
    const hit = registry.token() === cachedToken ? cached.get(request.key) : undefined
    if (hit && hit.syncing === namesOf(syncing())) {
      counts.hits += 1
      return hit.reply
    }
    counts.misses += 1
    return encodeAtOnce(request.query, request.key)
  }

  function encodeAtOnce(query: ServerQuery, key: string): Reply | undefined {
    const list = select(query)
    const { length } = list.selection.page
    if (length > maxServersFor(query)) return undefined
    // The body of a polling client is shared by all that poll the same; any other is its own.
    const isPolled = !isVolatile(query) && requested.has(key)
    const maxBytes = isPolled ? maxEntrySize : maxWholeBytes
    const encoder = encoderFor(query, volatile)
    const parts = runToCompletion(partsOfList(list, encoder, maxBytes))
    if (!parts) return undefined
    const isCached = !isVolatile(query) && (length <= maxServersCachedAtOnce || isRequestedAgain(key, list.token))
    const reply = replyOf(bodyOfParts(list, parts, encoder.ownsBytes), list, query)
    if (isCached) store(key, list, reply)
    return reply
  }

  function replyOf(body: Buffer, list: EncodedList, query: ServerQuery): Reply {
    const etag = etagOf(list, query)
    const headers = isVolatile(query) ? { 'cache-control': 'no-store' } : {}
    return jsonReply(body, { headers, ...(etag === undefined ? {} : { etag }) })
  }

  function isRequestedAgain(key: string, token: string): boolean {
    advanceTo(token)
    if (key.length > maxRememberedQueryLength) return true
    const isAgain = requested.has(key)
    requested.set(key, true)
    return isAgain
  }

  /** Drops the lists of the previous revision. */
  function advanceTo(token: string): void {
    if (token === cachedToken) return
    cached.clear()
    cachedToken = token
  }

  /** Selects again while the revision changes meanwhile: reading the registry may expire a lease. */
  function select(query: ServerQuery): EncodedList {
    for (;;) {
      const token = registry.token()
      const selection = registry.select(query)
      if (registry.token() === token) return { selection, token, syncing: syncing() }
    }
  }

  function store(key: string, { token, syncing: waiting }: EncodedList, reply: Reply): void {
    if (token !== registry.token()) return
    advanceTo(token)
    cached.set(key, { syncing: namesOf(waiting), reply })
  }

  /** A list of any length. Throws where the query text asks for something else. */
  function open(text: string): LongList {
    const request = parse(text)
    if (request.type !== 'list') throw new Problem('invalid_parameter', 'These parameters do not apply to a list.')
    const { query, key } = request
    const list = select(query)
    const isCollected = !isVolatile(query) && isRequestedAgain(key, list.token)
    const collector = isCollected ? collectorOf(query, key, list) : undefined
    return { list, etag: etagOf(list, query), encoder: encoderFor(query, volatile), ...(collector && { collector }) }
  }

  /** One request at a time collects a body. One whose client reads slowly gives way to another. */
  function collectorOf(query: ServerQuery, key: string, list: EncodedList): ListCollector | undefined {
    const collectedKey = `${list.token} ${key}`
    const startedAt = performance.now()
    if (startedAt - (collecting.get(collectedKey) ?? -Infinity) < maxCollectingMs) return undefined
    collecting.set(collectedKey, startedAt)
    let pieces: Buffer[] = []
    let bytes = 0
    return {
      add(piece) {
        bytes += piece.length
        if (bytes > maxEntrySize) pieces = []
        else pieces.push(piece)
        return bytes <= maxEntrySize
      },
      end(isSent) {
        if (collecting.get(collectedKey) === startedAt) collecting.delete(collectedKey)
        if (isSent && bytes <= maxEntrySize) store(key, list, replyOf(Buffer.concat(pieces), list, query))
        pieces = []
      },
    }
  }

  return { answer, open, counts: () => ({ ...counts, cached: cached.size, bytes: cached.calculatedSize }) }
}
export type ListCache = ReturnType<typeof createListCache>

/** Names as one text; without a call for the usual case of none. */
function namesOf(names: readonly string[]): string {
  return names.length === 0 ? '' : names.join()
}

function maxServersFor({ view, fields }: ServerQuery): number {
  return view === 'full' || fields.length > 0 ? maxEncodedServersAtOnce : maxServersAtOnce
}

/** None while sources are syncing, and none with volatile fields or in a volatile order: the revision covers neither. */
function etagOf({ token, syncing }: EncodedList, query: ServerQuery): string | undefined {
  if (isVolatile(query) || syncing.length > 0) return undefined
  return stateTag(isByTime(query) ? localToken(token) : token)
}
