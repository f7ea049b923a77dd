import type { IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import type { Principal } from '../../../model/principal.ts'
import type { Rate } from '../../config/auth.ts'
import type { Limits } from '../../config/limits.ts'
import { memoize } from '../memoize.ts'
import { unheededDryRun } from '../parameters.ts'
import { Problem } from '../problem.ts'
import { type Authenticator, invalidToken } from './authenticator.ts'
import { createClientAddress } from './client-address.ts'
import { type CorsHeaders, corsHeaders, type CorsRules } from './cors.ts'
import { createGuessLimiter } from './guess-limiter.ts'
import { hostNameOf, isHostAllowed } from './host.ts'
import { createOwnOrigin } from './own-origin.ts'
import { createRateLimiter } from './rate-limiter.ts'

/** An admitted request. */
export type AdmittedRequest = {
  /** Headers that let a page of another origin read the response. */
  readonly cors: CorsHeaders | undefined
  readonly principal: Principal
  readonly problem?: undefined
}

/** The verdict of the guard: a principal, or the problem to answer with. */
export type Admission =
  | AdmittedRequest
  | {
      readonly cors: CorsHeaders | undefined
      readonly problem: Problem
      readonly principal?: undefined
      /** Time to wait before the problem is sent. */
      readonly delayMs?: number
    }

export type GuardRules = {
  readonly authenticator: Authenticator
  readonly cors: CorsRules
  /** Whether the daemon listens on loopback only. */
  readonly loopback: boolean
  /** Names that `Host` may hold: see `isHostAllowed`. */
  readonly hosts: readonly string[]
  /** Networks of the proxies that name their clients and the host these asked for: see `createClientAddress` and `createOwnOrigin`. */
  readonly trustedProxies?: readonly string[]
  readonly limits: Pick<Limits, 'max_url_length' | 'max_parameters'> & { readonly rate?: Rate | undefined }
}

/** Paths that orchestrators probe without credentials. */
const probePaths = new Set(['/health', '/healthz', '/ready', '/readyz', '/-/healthy', '/-/ready'])

const maxRememberedHosts = 1000
const maxValidHeaders = 1000

/**
 * Checks every request: its target, host and origin, its token, and the rate of its client.
 *
 * Reduces an absolute target to its path, so that all readers of `incoming.url` see the same path.
 */
export function createRequestGuard({ authenticator, cors, loopback, hosts, trustedProxies = [], limits }: GuardRules) {
  const addressOf = createClientAddress(trustedProxies)
  const foreignPage = createOwnOrigin({ hosts, trustedProxies })
  const hostProblem = memoize(maxRememberedHosts, (host: string) => problemOfHost(host) ?? null)
  const waitOf = createRateLimiter()
  const guesses = createGuessLimiter()
  /** `Authorization` headers that were valid: they are compared however many invalid ones their address sends. */
  const validHeaders = new LRUCache<string, true>({ max: maxValidHeaders })
  const anonymousPrincipal = authenticator.authenticate(undefined)
  const anonymous = admissionOf(anonymousPrincipal)

  function problemOfHost(host: string): Problem | undefined {
    const name = hostNameOf(host)
    if (name === undefined) return new Problem('invalid_host', 'The Host header does not hold a valid host name.')
    if (isHostAllowed(name, { loopback, hosts })) return undefined
    const names = loopback ? 'localhost' : 'the names in listen.hosts'
    return new Problem(
      'host_forbidden',
      `The daemon answers to ${names} only. To allow the name of this request, add it to listen.hosts.`,
    )
  }

  function admissionOf(principal: Principal | undefined, readable?: CorsHeaders): Admission {
    return principal
      ? { principal, cors: readable }
      : { problem: invalidToken(anonymousPrincipal?.role ?? 'none'), cors: readable }
  }

  function problemOf(request: IncomingMessage): Problem | undefined {
    const target = targetProblem(request, limits)
    if (target) return target
    const { host } = request.headers
    if (host === undefined)
      return request.httpVersion === '1.0' ? undefined : new Problem('invalid_host', 'The Host header is missing.')
    if (isTwice(request.rawHeaders, 'host')) return new Problem('invalid_host', 'There is more than one Host header.')
    return hostProblem(host) ?? undefined
  }

  /** Never throws. */
  function admit(request: IncomingMessage): Admission {
    const problem = problemOf(request)
    const { origin, authorization } = request.headers
    if (problem) return { problem, cors: undefined }
    if (origin === undefined && authorization === undefined && anonymous.problem === undefined)
      return limited(request, anonymous)
    const method = request.method ?? 'GET'
    const readable = origin === undefined ? undefined : corsHeaders(cors, origin, method, pathOf(request))
    if (origin !== undefined && isWrite(method, pathOf(request)) && !cors.origins.includes(origin)) {
      const foreign = foreignPage(origin, request)
      if (foreign) return { problem: foreign, cors: readable }
    }
    return limited(request, authenticated(request, readable))
  }

  function authenticated(request: IncomingMessage, readable: CorsHeaders | undefined): Admission {
    const { authorization } = request.headers
    const address = addressOf(request)
    const isKnown = authorization === undefined || validHeaders.has(authorization)
    const seconds = isKnown ? undefined : guesses.blockedSeconds(address)
    if (seconds !== undefined) return { problem: rateLimited(seconds), cors: readable }
    const principal = authenticator.authenticate(authorization)
    if (principal && !isKnown && !principal.anonymous) validHeaders.set(authorization, true)
    if (principal) return { principal, cors: readable }
    return {
      problem: invalidToken(anonymousPrincipal?.role ?? 'none'),
      cors: readable,
      delayMs: guesses.recordFailure(address),
    }
  }

  /** The admission, unless its principal has no role or exceeds its rate. */
  function limited(request: IncomingMessage, admission: Admission): Admission {
    if (admission.problem) return admission
    const { principal, cors: readable } = admission
    const limit = principal.rate ?? limits.rate
    if (principal.role !== 'none' && limit === undefined) return admission
    if (probePaths.has(pathOf(request))) return admission
    if (principal.role === 'none' && !isPreflight(request) && !isPage(request))
      return { problem: authenticationRequired(), cors: readable }
    const seconds =
      limit &&
      waitOf(
        clientOf(principal, () => addressOf(request)),
        limit,
      )
    return seconds === undefined ? admission : { problem: rateLimited(seconds), cors: readable }
  }

  return { admit, cors, authenticate: authenticator.authenticate }
}
export type RequestGuard = ReturnType<typeof createRequestGuard>

/** The key of a rate limit: the name of the token, or the address of a client without one. */
function clientOf({ anonymous, name }: Principal, address: () => string): string {
  return anonymous ? `address ${address()}` : `token ${name}`
}

function rateLimited(seconds: number): Problem {
  return new Problem('rate_limited', `Rate limit exceeded; retry after ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
  })
}

function authenticationRequired(): Problem {
  return new Problem('authentication_required', 'Authentication required: send a bearer token.', {
    headers: { 'www-authenticate': 'Bearer realm="mcp-roster"' },
    more: { role_needed: 'reader' },
  })
}

/** Whether a request may change something. A HEAD does where it renews a lease. */
function isWrite(method: string, path: string): boolean {
  if (method === 'HEAD') return path.includes('/heartbeat/')
  return method !== 'GET' && method !== 'OPTIONS'
}

/** Whether a request is for the dashboard, which holds no data: its page asks for a token. A browser that opens `/` is led there. */
export function isPage(request: IncomingMessage): boolean {
  if (request.method !== 'GET' && request.method !== 'HEAD') return false
  const path = pathOf(request)
  if (path === '/') return /\btext\/html\b/i.test(request.headers.accept ?? '')
  return path === '/ui' || path.startsWith('/ui/')
}

/** Whether a request is a CORS preflight. Browsers send no token with it. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

export function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function isTwice(rawHeaders: readonly string[], name: string): boolean {
  let count = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const header = rawHeaders[index]
    if (header !== undefined && header.length === name.length && header.toLowerCase() === name) count += 1
  }
  return count > 1
}

/** Rejects a path that clients, proxies and routers read differently. */
function targetProblem(
  request: IncomingMessage,
  { max_url_length: maxUrlLength, max_parameters: maxParameters }: GuardRules['limits'],
): Problem | undefined {
  let url = request.url ?? '/'
  if (url.length > maxUrlLength)
    return new Problem('target_too_long', `The request target is longer than ${maxUrlLength} characters.`)
  if (url.charCodeAt(0) !== 47) {
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
      return new Problem('invalid_target', 'The request target must be a path that begins with a slash.')
    }
    const { pathname, search, host } = new URL(url)
    url = pathname + search
    request.url = url
    request.headers.host = host
  }
  if (
    url.includes('\\') ||
    url.includes('#') ||
    ((url.includes('/.') || url.includes('/%2')) && /\/(\.|%2e){1,2}(\/|\?|$)/i.test(url))
  ) {
    return new Problem('invalid_target', 'The path must not contain "." or ".." segments, a backslash or a fragment.')
  }
  const query = url.indexOf('?')
  if (query >= 0 && countOf(url, query) > maxParameters) {
    return new Problem('too_many_parameters', `The request has more than ${maxParameters} query parameters.`)
  }
  return query < 0 ? undefined : unheededDryRun(request.method ?? 'GET', url)
}

function countOf(url: string, from: number): number {
  let count = 1
  for (let index = url.indexOf('&', from); index >= 0; index = url.indexOf('&', index + 1)) count += 1
  return count
}
