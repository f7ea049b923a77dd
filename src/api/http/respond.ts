import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { compression } from './compression.ts'
import type { ApiContext, ApiResponse } from './context.ts'
import { baseHeaders, jsonReply, namesTag, type Reply, stateTag, toResponse, uncachedHeaders } from './reply.ts'
import { responseBudget } from './sending/response-budget.ts'

/** Answers with a reply: a 304 or the compressed variant where the request asks for that. A promise only while compressing. */
export function respond(c: ApiContext, reply: Reply): ApiResponse {
  const { 'if-none-match': ifNoneMatch, 'accept-encoding': accepted } = c.env.incoming.headers
  if (isUnchanged(ifNoneMatch, reply)) return notModified(c, reply)
  if (accepted === undefined) return send(c, reply)
  const variant = compression.variant(reply, accepted)
  return variant instanceof Promise ? variant.then((sent) => send(c, sent)) : send(c, variant)
}

/** Answers with a reply whose encoding is chosen: a 304 where the request asks for that. */
export function respondAsIs(c: ApiContext, reply: Reply): Response {
  const isKnown = isUnchanged(c.env.incoming.headers['if-none-match'], reply)
  return isKnown ? notModified(c, reply) : send(c, reply)
}

function isUnchanged(ifNoneMatch: string | undefined, { etag }: Reply): boolean {
  return ifNoneMatch !== undefined && etag !== undefined && namesTag(ifNoneMatch, etag)
}

function notModified({ env: { cors } }: ApiContext, { unchanged }: Reply): Response {
  return new Response(null, { status: 304, headers: { ...unchanged, ...cors } })
}

function send({ env: { incoming, outgoing, cors } }: ApiContext, reply: Reply): Response {
  if (incoming.method !== 'HEAD') responseBudget.countBody(outgoing, reply.body)
  return toResponse(reply, cors)
}

/** Answers with JSON that is made for this request. */
export function respondJson(
  c: ApiContext,
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse {
  const uncached = { 'cache-control': 'no-store', ...headers }
  return respond(c, { ...jsonReply(Buffer.from(JSON.stringify(value)), { headers: uncached }), status })
}

/** Answers with text of a known type as it is, uncompressed. */
export function respondText(
  { env: { cors } }: ApiContext,
  text: string,
  { status = 200, headers }: { status?: number; headers: Readonly<Record<string, string>> },
): Response {
  const length = String(Buffer.byteLength(text))
  return new Response(text, { status, headers: { ...uncachedHeaders, 'content-length': length, ...headers, ...cors } })
}

export function respondNoContent({ env: { cors } }: ApiContext): Response {
  return new Response(null, { status: 204, headers: { ...baseHeaders, vary: 'Origin', ...cors } })
}

/** Returned by a route that writes to `c.env.outgoing` itself. Not for HEAD requests. */
export const respondedRaw: Response = RESPONSE_ALREADY_SENT

/** Caches one reply: `make` runs again when the token has changed. */
export function createPerRevision(token: () => string, make: () => unknown) {
  let newest: { token: string; reply: Reply } | undefined
  return (): Reply => {
    const current = token()
    if (newest?.token !== current) {
      newest = { token: current, reply: jsonReply(Buffer.from(JSON.stringify(make())), { etag: stateTag(current) }) }
    }
    return newest.reply
  }
}
