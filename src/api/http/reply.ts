import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '../../log.ts'
import { parseStateToken } from '../../model/query/state-token.ts'
import type { CorsHeaders } from './access/cors.ts'
import { type Problem, problemBody, problemFrom, problemType } from './problem.ts'

/** A response made once and sent many times: complete headers and the bytes of the body. */
export type Reply = {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Validator of the body, and the headers of a 304 that confirms it. */
  readonly etag?: string
  readonly unchanged?: Readonly<Record<string, string>>
}

/** Headers of every response. */
export const baseHeaders = { 'x-content-type-options': 'nosniff' } as const

/** Headers of a response that must not be cached; `vary` because CORS headers depend on the origin. */
export const uncachedHeaders = { ...baseHeaders, 'cache-control': 'no-store', vary: 'Origin' } as const

/** A reply of JSON bytes. With `etag` clients may keep it and revalidate; without, it is made for each request. */
export function jsonReply(body: Buffer, { etag, headers = {} }: { etag?: string; headers?: object } = {}): Reply {
  const unchanged = {
    ...baseHeaders,
    'cache-control': 'no-cache',
    vary: 'Origin, Accept-Encoding',
    ...(etag === undefined ? {} : { etag }),
    ...headers,
  }
  const all = { 'content-type': 'application/json', 'content-length': String(body.length), ...unchanged }
  return { status: 200, headers: all, body, ...(etag === undefined ? {} : { etag, unchanged }) }
}

export function problemReply(problem: Problem, requestId?: string): Reply {
  const body = Buffer.from(problemBody(problem, requestId))
  const headers = {
    ...uncachedHeaders,
    'content-type': problemType,
    'content-length': String(body.length),
    ...(requestId === undefined ? {} : { 'x-request-id': requestId }),
    ...problem.headers,
  }
  return { status: problem.status, headers, body }
}

/** The reply to a thrown error. An unexpected error is logged under an id that the reply names. */
export function replyToError(error: unknown, { log, path }: { log: Pick<Log, 'error'>; path: string }): Reply {
  const problem = problemFrom(error)
  if (problem.status !== 500) return problemReply(problem)
  const requestId = randomUUID()
  log.error({ err: problem.cause ?? problem, request_id: requestId, path }, 'request failed')
  return problemReply(problem, requestId)
}

/** The validator of a body that a state of the registry decides. Weak: an equal state can have other times. */
export function stateTag(token: string): string {
  return `W/"${token}"`
}

/**
 * Whether an `If-None-Match` names `etag`, compared weakly as RFC 9110 §13.1.2 asks. The tags of two states are equal where their
 * digests are: another daemon may have issued one of them.
 */
export function namesTag(ifNoneMatch: string, etag: string): boolean {
  if (ifNoneMatch === etag || ifNoneMatch === '*') return true
  const opaque = withoutWeakness(etag)
  const digest = digestOfTag(opaque)
  return ifNoneMatch.split(',').some((item) => {
    const tag = withoutWeakness(item.trim())
    return tag === opaque || (digest !== undefined && digestOfTag(tag) === digest)
  })
}

function withoutWeakness(tag: string): string {
  return tag.startsWith('W/') ? tag.slice(2) : tag
}

/** The digest in a quoted token of a state. */
function digestOfTag(tag: string): string | undefined {
  return tag.length > 2 ? parseStateToken(tag.slice(1, -1))?.digest : undefined
}

/**
 * The `Response` of a reply, with CORS headers where there are any.
 *
 * Headers are a plain object: a `Headers` takes `@hono/node-server` off its direct way to `writeHead`, and halves the
 * rate of a short response.
 */
export function toResponse({ status, headers, body }: Reply, cors: CorsHeaders | undefined): Response {
  return new Response(status === 204 ? null : (body as Uint8Array<ArrayBuffer>), {
    status,
    headers: cors ? { ...headers, ...cors } : headers,
  })
}

/** Writes a reply to a raw response, where no route answers: a port without routes, an unmet expectation. */
export function writeReply(
  { method }: IncomingMessage,
  outgoing: ServerResponse,
  { status, headers, body }: Reply,
): void {
  outgoing.writeHead(status, headers)
  outgoing.end(method === 'HEAD' ? undefined : body)
}
