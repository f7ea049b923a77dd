import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ServerId } from '../../model/names.ts'
import type { Admitted } from '../http/access/guard.ts'
import { compression } from '../http/compression.ts'
import { memoize } from '../http/memoize.ts'
import { Problem } from '../http/problem.ts'
import { namesTag, type Reply, send } from '../http/reply.ts'
import type { DetailCache } from './detail-cache.ts'
import { serverIdIn } from './server-path.ts'

/** Answers a request by itself, or leaves it to whoever comes next. */
export type Front = (request: IncomingMessage, response: ServerResponse, admission: Admitted) => boolean

export type Lists = { readonly answer: (query: string) => Reply | undefined }

/** What a target asks for, worked out once per text. */
type Question =
  | { readonly type: 'list'; readonly query: string }
  | { readonly type: 'one'; readonly id: ServerId }
  | null

/** Words that stand where a name could; `/servers/default/watch` reaches a server named so. */
const fixedWords = new Set(['watch'])

/**
 * The two questions asked a thousand times a second, `GET /servers` and `GET /servers/{…}`, answered before the router.
 *
 * What is not plain (secrets, a watch) and what goes wrong is left to the router's routes, which say so properly.
 */
export function createHot({ lists, one }: { lists: Lists; one: DetailCache }) {
  const questionIn = memoize(1000, questionOf)

  function reply(url: string): Reply | undefined {
    const question = questionIn(url)
    if (question === null) return undefined
    return question.type === 'list' ? lists.answer(question.query) : one.answer(question.id)
  }

  const front: Front = (request, response, { cors }) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return false
    const { url = '' } = request
    if (!url.startsWith('/servers') && !url.startsWith('/api/v1/servers')) return false
    const found = reply(url)
    if (!found) return false
    sendFitting(request, response, found, cors)
    return true
  }

  return { front, reply }
}

export type Hot = ReturnType<typeof createHot>

/** Sends the variant that the request accepts, once it is made; a 304 needs none. */
function sendFitting(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  cors: Readonly<Record<string, string>> | undefined,
): void {
  const { 'accept-encoding': accepted, 'if-none-match': asked } = request.headers
  if (accepted === undefined || (asked !== undefined && reply.etag !== undefined && namesTag(asked, reply.etag))) {
    return send(request, response, reply, cors)
  }
  const variant = compression.variant(reply, accepted)
  if (variant instanceof Promise) void variant.then((made) => send(request, response, made, cors))
  else send(request, response, variant, cors)
}

function questionOf(url: string): Question {
  const end = url.indexOf('?')
  const path = (end < 0 ? url : url.slice(0, end)).replace(/^\/api\/v1/, '')
  const query = end < 0 ? '' : url.slice(end + 1)
  if (path === '/servers' || path === '/servers/') return { type: 'list', query }
  if (!path.startsWith('/servers/') || query !== '') return null
  const rest = path.slice('/servers/'.length)
  const id = fixedWords.has(rest) ? undefined : serverIdIn(rest)
  return id === undefined ? null : { type: 'one', id }
}

export function unknownServer(id: ServerId | undefined): Problem {
  return new Problem(
    'server_not_found',
    id === undefined ? 'No server can have this name.' : `There is no server "${id}".`,
  )
}
