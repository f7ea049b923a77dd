import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Hono } from 'hono'
import type { Log } from '../../log.ts'
import type { Principal } from '../../model/principal.ts'
import type { Front } from '../servers/fast-path.ts'
import { preflight } from './access/cors.ts'
import type { Admission, Admitted, RequestGuard } from './access/guard.ts'
import { isPreflight, pathOf } from './access/guard.ts'
import { bodyTooLarge, hasBody } from './body.ts'
import { replyToError } from './error-reply.ts'
import { closeLingering } from './listening/lingering-close.ts'
import { Problem } from './problem.ts'
import { baseHeaders, problemReply, send } from './reply.ts'

/** What routes find in `c.env`. Both ends are absent where an application is asked without a server. */
export type Bindings = {
  readonly principal?: Principal
  readonly incoming?: IncomingMessage
  readonly outgoing?: ServerResponse
}
export type Api = Hono<{ Bindings: Bindings }>

/** Answers a request that the guard admitted as `principal`. */
export type Route = (request: IncomingMessage, response: ServerResponse, principal: Principal) => void

/** How many requests were answered, by method and status. */
export type RequestCounts = ReadonlyMap<string, number>

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * What stands between the network and the routes: the guard for every request, then the fronts, then the router.
 *
 * Headers that every answer carries are set here, on the raw response: a hono middleware that touched them would cost
 * the hot routes four fifths of their speed.
 */
export function createEdge({
  route,
  guard,
  fronts,
  bodyBytes,
  accessLog,
  log,
}: {
  route: Route
  guard: () => RequestGuard
  fronts: readonly Front[]
  bodyBytes: () => number
  accessLog?: Log | undefined
  log: Log
}) {
  const counts = new Map([...methods, 'other'].map((method) => [method, new Map<number, number>()]))

  function count(method: string | undefined, status: number): void {
    const ofMethod = counts.get(method ?? '') ?? counts.get('other')
    ofMethod?.set(status, (ofMethod.get(status) ?? 0) + 1)
  }

  function refuse(request: IncomingMessage, response: ServerResponse, problem: Problem, admission: Admission): void {
    const unread = hasBody(request)
    const reply = problemReply(problem)
    if (unread) response.setHeader('connection', 'close')
    send(request, response, reply, admission.cors)
    if (unread) closeLingering(request)
  }

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const admission = guard().admit(request)
    if (admission.problem) return refuse(request, response, admission.problem, admission)
    if (isPreflight(request)) return answerPreflight(request, response)
    const tooLarge = bodyProblem(request, bodyBytes())
    if (tooLarge) return refuse(request, response, tooLarge, admission)
    if (isEndless(request)) {
      response.shouldKeepAlive = false
      closeLingering(request)
    }
    try {
      if (fronts.some((front) => front(request, response, admission))) return
      pass(request, response, admission)
    } catch (error) {
      // A front that throws a problem means it; anything else is a fault of ours and is told as one.
      const reply = replyToError(error, { log, path: pathOf(request) })
      if (response.headersSent) response.destroy()
      else send(request, response, reply, admission.cors)
    }
  }

  function pass(request: IncomingMessage, response: ServerResponse, { cors, principal }: Admitted): void {
    for (const [name, value] of Object.entries({ ...baseHeaders, vary: 'Origin', ...cors })) {
      response.setHeader(name, value)
    }
    route(request, response, principal)
  }

  function answerPreflight(request: IncomingMessage, response: ServerResponse): void {
    const { origin = '', 'access-control-request-method': method = '' } = request.headers
    const allowed = preflight(guard().cors, origin, method, pathOf(request))
    if (!allowed) {
      const problem = new Problem(
        'origin_forbidden',
        'Pages of this origin may not do this here. See cors.origins in the config.',
      )
      return refuse(request, response, problem, { problem, cors: undefined })
    }
    response.writeHead(204, { ...baseHeaders, vary: 'Origin, Access-Control-Request-Method', ...allowed })
    response.end()
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const started = accessLog ? performance.now() : 0
    answer(request, response)
    if (response.writableEnded && !accessLog) return count(request.method, response.statusCode)
    response.on('close', () => {
      count(request.method, response.statusCode)
      accessLog?.info(
        {
          method: request.method,
          path: pathOf(request),
          status: response.statusCode,
          ms: Math.round((performance.now() - started) * 10) / 10,
          remote: request.socket.remoteAddress,
        },
        'request',
      )
    })
  }

  function countsByKey(): RequestCounts {
    return new Map(
      [...counts].flatMap(([method, byStatus]) => [...byStatus].map(([status, many]) => [`${method} ${status}`, many])),
    )
  }

  return { handle, counts: countsByKey }
}

function bodyProblem({ headers }: IncomingMessage, most: number): Problem | undefined {
  return Number(headers['content-length'] ?? 0) > most ? bodyTooLarge(most) : undefined
}

/** A body that nobody will read, of a length that nobody knows. */
function isEndless({ method, headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined && (method === 'GET' || method === 'HEAD')
}
