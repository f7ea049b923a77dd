import type { IncomingMessage } from 'node:http'
import type { ServerId } from '../../../model/names.ts'
import type { ServerQuery } from '../../../model/query/query.ts'
import type { SelectedServers } from '../../../registry/index/server-index.ts'
import { jsonReply, namesTag, problemReply, type Reply } from '../../http/reply.ts'
import type { VolatileParts } from '../detail-cache.ts'
import type { Front } from '../fast-path.ts'
import { createBufferPool } from './buffer-pool.ts'
import { bodyOfList, encoderFor, type EncodedList } from './list-encoding.ts'
import { createListRequests, parameterProblem } from './list-query.ts'
import { streamList } from './streamed-list.ts'

export type ListCachePorts = {
  readonly registry: { readonly token: () => string; readonly select: (query: ServerQuery) => SelectedServers }
  /** Names of the sources that have not answered yet. */
  readonly syncing: () => readonly string[]
  readonly volatile: (id: ServerId) => VolatileParts | undefined
  readonly onError: (error: unknown) => void
  /** What the answers kept may weigh together. */
  readonly keptBytes?: number
}

type Kept = { readonly syncing: string; readonly reply: Reply }

/** A list of more servers is written piece by piece before it is kept; one whose servers are encoded anew each time, sooner. */
const mostAtOnce = 1000
const mostMadeAtOnce = 200
/** So many queries, of so many characters, are remembered to have been asked for once. */
const mostSeen = 1000
const longestSeen = 1024
/** A list of more is kept only when it is asked for again: most that nobody asked for before never are. */
const fewServers = 10
const nothing = Buffer.alloc(0)

/**
 * The lists of `/servers`, each made once per query and revision, and sent as the same bytes until something changes.
 *
 * What is kept is of the newest revision only, so nothing stale can be sent: an answer is looked up by the token that the
 * registry has at that moment.
 */
export function createListCache({
  registry,
  syncing,
  volatile,
  onError,
  keptBytes = 32 * 1024 * 1024,
}: ListCachePorts) {
  const askedIn = createListRequests()
  const slabs = createBufferPool()
  const kept = new Map<string, Kept>()
  /** Lists that were asked for, of this revision or one before; who polls asks again after each change. */
  const seen = new Set<string>()
  let keptToken = ''
  let weight = 0
  const counted = { hits: 0, misses: 0 }

  /** The answer to the text of a query; undefined where it is none of a list, or too long to be made in one go. */
  function answer(raw: string): Reply | undefined {
    const asked = askedIn(raw)
    if (asked.type === 'wrong') return problemReply(parameterProblem(asked.wrong))
    if (asked.type === 'other') return undefined
    const token = registry.token()
    const waiting = syncing()
    const known = token === keptToken ? kept.get(asked.key) : undefined
    if (known && known.syncing === (waiting.length === 0 ? '' : waiting.join())) {
      counted.hits += 1
      return known.reply
    }
    counted.misses += 1
    return make(asked.query, asked.key)
  }

  function make(query: ServerQuery, key: string): Reply | undefined {
    const listing = listingOf(query)
    if (isLong(listing, query)) return undefined
    const encode = encoderFor(query, volatile)
    const isShort = listing.selection.page.length <= fewServers
    const isKept = query.view !== 'full' && (isShort || isAskedAgain(key, listing.token))
    if (isKept) return keep(key, listing, replyOf(bodyOfList(listing, encode), listing, query))
    if (isShort) return replyOf(bodyOfList(listing, encode), listing, query)
    const { room, release } = slabs.lend()
    return { ...replyOf(bodyOfList(listing, encode, room), listing, query), release }
  }

  function replyOf(body: Buffer, listing: EncodedList, query: ServerQuery): Reply {
    const etag = tagOf(listing, query)
    const headers = query.view === 'full' ? { 'cache-control': 'no-store' } : {}
    return jsonReply(body, { headers, ...(etag === undefined ? {} : { etag }) })
  }

  function isAskedAgain(key: string, token: string): boolean {
    turnTo(token)
    if (key.length > longestSeen) return true
    const isAgain = seen.delete(key)
    seen.add(key)
    if (seen.size > mostSeen) seen.delete(seen.values().next().value ?? '')
    return isAgain
  }

  /** What is of another revision is of no use any more. */
  function turnTo(token: string): void {
    if (token === keptToken) return
    kept.clear()
    keptToken = token
    weight = 0
  }

  /** Reads until nothing has changed while reading: a lease may run out between two looks. */
  function listingOf(query: ServerQuery): EncodedList {
    for (;;) {
      const token = registry.token()
      const selection = registry.select(query)
      if (registry.token() === token) return { selection, token, syncing: syncing() }
    }
  }

  function isLong({ selection }: EncodedList, { view, fields }: ServerQuery): boolean {
    const most = view === 'full' || fields.length > 0 ? mostMadeAtOnce : mostAtOnce
    return selection.page.length > most
  }

  function keep(key: string, { token, syncing: waiting }: EncodedList, reply: Reply): Reply {
    if (token !== registry.token()) return reply
    turnTo(token)
    const cost = reply.body.length + key.length + 1024
    if (cost > keptBytes / 2) return reply
    for (const [oldest, { reply: old }] of kept) {
      if (weight + cost <= keptBytes && oldest !== key) break
      kept.delete(oldest)
      weight -= old.body.length + oldest.length + 1024
    }
    kept.set(key, { syncing: waiting.join(), reply })
    weight += cost
    return reply
  }

  /** Answers lists that are too long to be made in one go, piece by piece as they are read. */
  const front: Front = (request, response, { cors }) => {
    const raw = listQueryOf(request)
    const asked = raw === undefined ? undefined : askedIn(raw)
    if (asked?.type !== 'list') return false
    const { query, key } = asked
    const listing = listingOf(query)
    const etag = tagOf(listing, query)
    const { headers, unchanged = {} } = jsonReply(nothing, etag === undefined ? {} : { etag })
    const ifNoneMatch = request.headers['if-none-match']
    const isKnown = etag !== undefined && ifNoneMatch !== undefined && namesTag(ifNoneMatch, etag)
    const { 'content-length': _length, ...streamed } = headers
    const isKept = !isKnown && query.view !== 'full' && isAskedAgain(key, listing.token)
    response.writeHead(isKnown ? 304 : 200, { ...(isKnown ? unchanged : streamed), ...cors })
    if (isKnown || request.method === 'HEAD') response.end()
    else
      streamList(response, listing, { encode: encoderFor(query, volatile), keepBytes: isKept ? keptBytes / 2 : 0 })
        .then((body) => body && keep(key, listing, replyOf(body, listing, query)))
        .catch(onError)
    return true
  }

  return { answer, front, counts: () => ({ ...counted, kept: kept.size, bytes: weight }) }
}
export type ListCache = ReturnType<typeof createListCache>

/** What is still syncing is no part of the revision, and what moves with every probe is in none. */
function tagOf({ token, syncing }: EncodedList, { view }: ServerQuery): string | undefined {
  return view === 'full' || syncing.length > 0 ? undefined : `"${token}"`
}

/** The text behind `?` of a request for the list; undefined where it asks for something else. */
function listQueryOf({ method, url = '' }: IncomingMessage): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined
  const found = /^(?:\/api\/v1)?\/servers\/?(\?.*)?$/.exec(url)
  return found ? (found[1]?.slice(1) ?? '') : undefined
}
