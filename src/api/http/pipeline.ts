import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { getRequestListener, RequestError } from '@hono/node-server'
import type { Log } from '../../log.ts'
import { type Principal, unauthenticated } from '../../model/principal.ts'
import { preflight } from './access/cors.ts'
import { createDenialLog } from './access/denial-log.ts'
import { type Admission, isPreflight, pathOf, type RequestGuard } from './access/guard.ts'
import { bodyTooLarge, hasBody } from './body.ts'
import type { ApiResponse, Bindings } from './context.ts'
import { closeLingering, drainWhileAnswering } from './listening/lingering-close.ts'
import { createOpenResponses } from './open-responses.ts'
import { Problem } from './problem.ts'
import { baseHeaders, problemReply, replyToError, toResponse } from './reply.ts'

/** Number of answered requests, by method and status: `GET 200`. */
export type RequestCounts = ReadonlyMap<string, number>

/**
 * The way of every request: guard (target, host, origin, token, rate), limit of the body, then the routes.
 *
 * The guard runs before `getRequestListener` builds its `Request`, because that rejects some targets and hosts with an
 * empty 400. No Hono middleware runs: one that touches the headers of a response costs a hot route four fifths of its speed.
 */
export function createPipeline({
  fetch,
  guard,
  maxBodyBytes,
  accessLog,
  log,
}: {
  /** Answers a request that the guard admitted. */
  fetch: (request: Request, env: Bindings) => ApiResponse
  guard: () => RequestGuard
  maxBodyBytes: () => number
  accessLog?: Log | undefined
  log: Log
}) {
  const counts = createRequestCounts()
  const openResponses = createOpenResponses()
  const recordDenial = createDenialLog({ log })
  // The current request: the listener calls `fetch` before it returns, so there is only one at a time.
  let env: Bindings
  let refusal: Response | undefined
  let refusalDelayMs = 0

  const listener = getRequestListener(
    (request) => (refusal ? delayed(refusal, refusalDelayMs) : fetch(routable(request), env)),
    {
      hostname: 'localhost',
      errorHandler: (error) =>
        error instanceof RequestError
          ? (refusal ?? malformedRequest())
          : toResponse(replyToError(error, { log, path: '' }), undefined),
    },
  )

  function handle(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const started = accessLog ? performance.now() : 0
    const admission = guard().admit(incoming)
    const { principal = unauthenticated, cors } = admission
    refusal = refusalOf(incoming, admission)
    refusalDelayMs = admission.problem ? (admission.delayMs ?? 0) : 0
    const isUnread = refusal === undefined ? isEndless(incoming) : hasBody(incoming)
    if (isUnread) outgoing.shouldKeepAlive = false
    env = { incoming, outgoing, principal, cors }
    const sending = listener(incoming, outgoing)
    if (isUnread && refusal === undefined) drainWhileAnswering(incoming, outgoing)
    else if (isUnread) closeLingering(incoming)
    if (outgoing.writableEnded && !accessLog) return count(incoming, outgoing, principal)
    if (admission.principal) openResponses.add(outgoing, { request: incoming, principal })
    outgoing.on('close', () => finish(incoming, outgoing, { principal, started }))
    sending.catch((error: unknown) => {
      log.error({ err: error, path: pathOf(incoming) }, 'response could not be sent')
      outgoing.destroy()
    })
  }

  function count(incoming: IncomingMessage, { statusCode: status }: ServerResponse, principal: Principal): void {
    counts.add(incoming.method, status)
    recordDenial(incoming, principal, status)
  }

  function finish(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    { principal, started }: { principal: Principal; started: number },
  ): void {
    const { statusCode: status } = outgoing
    openResponses.remove(outgoing)
    count(incoming, outgoing, principal)
    const ms = Math.round((performance.now() - started) * 10) / 10
    const { remoteAddress: remote } = incoming.socket
    accessLog?.info({ method: incoming.method, path: pathOf(incoming), status, ms, remote }, 'request')
  }

  /** The response to a request that does not reach the routes; undefined for one that does. */
  function refusalOf(incoming: IncomingMessage, { problem, cors }: Admission): Response | undefined {
    if (problem) return toResponse(problemReply(problem), cors)
    if (isPreflight(incoming)) return preflightResponse(incoming)
    const { 'content-length': length } = incoming.headers
    if (length === undefined || Number(length) <= maxBodyBytes()) return undefined
    return toResponse(problemReply(bodyTooLarge(maxBodyBytes())), cors)
  }

  function preflightResponse(incoming: IncomingMessage): Response {
    const { origin = '', 'access-control-request-method': method = '' } = incoming.headers
    const allowed = preflight(guard().cors, origin, method, pathOf(incoming))
    if (!allowed) return toResponse(problemReply(forbiddenOrigin()), undefined)
    const headers = { ...baseHeaders, vary: 'Origin, Access-Control-Request-Method', ...allowed }
    return new Response(null, { status: 204, headers })
  }

  return {
    handle,
    counts: counts.byMethodAndStatus,
    /** Applies a new guard to the responses that are not finished. */
    endRevoked: () => openResponses.endRevoked(guard().authenticate),
  }
}

/**
 * A HEAD as the GET that it is routed as: Node drops the body. Left to Hono, it would get a second `Response`, made with
 * `Headers`, which takes twice the time. Routes see the method in `c.env.incoming`.
 */
function routable(request: Request): Request {
  return request.method === 'HEAD' ? Object.defineProperty(request, 'method', { value: 'GET' }) : request
}

function delayed(response: Response, ms: number): ApiResponse {
  return ms > 0 ? wait(ms, response, { ref: false }) : response
}

/** Whether a request of a method without a body announces a body without a length. */
function isEndless({ method, headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined && (method === 'GET' || method === 'HEAD')
}

function malformedRequest(): Response {
  const problem = new Problem('malformed_request', 'The target or the Host header of the request is malformed.')
  return toResponse(problemReply(problem), undefined)
}

function forbiddenOrigin(): Problem {
  return new Problem(
    'origin_forbidden',
    'The config does not allow this request to pages of this origin; see cors.origins.',
  )
}

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Counts answered requests. Uncommon methods count as `other`, so that clients cannot add keys. */
function createRequestCounts() {
  const counts = new Map([...methods, 'other'].map((method) => [method, new Map<number, number>()]))

  function add(method: string | undefined, status: number): void {
    const byStatus = counts.get(method ?? '') ?? counts.get('other')
    byStatus?.set(status, (byStatus.get(status) ?? 0) + 1)
  }

  function byMethodAndStatus(): RequestCounts {
    return new Map(
      [...counts].flatMap(([method, byStatus]) =>
        [...byStatus].map(([status, count]) => [`${method} ${status}`, count] as const),
      ),
    )
  }

  return { add, byMethodAndStatus }
}
