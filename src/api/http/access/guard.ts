import type { IncomingMessage } from 'node:http'
import type { Principal } from '../../../model/principal.ts'
import type { Rate } from '../../config/auth.ts'
import type { Limits } from '../../config/limits.ts'
import { memoize } from '../memoize.ts'
import { Problem } from '../problem.ts'
import { type Authenticator, invalidToken } from './authenticator.ts'
import { type CorsHeaders, corsHeaders, type CorsRules } from './cors.ts'
import { hostNameOf, isLoopback } from './host.ts'
import { createRateLimiter } from './rate-limiter.ts'

/** Somebody who was let in, and what a page elsewhere may see of the answer. */
export type Admitted = {
  readonly cors: CorsHeaders | undefined
  readonly principal: Principal
  readonly problem?: undefined
}

/** What the guard made of a request. */
export type Admission =
  | Admitted
  | { readonly cors: CorsHeaders | undefined; readonly problem: Problem; readonly principal?: undefined }

export type GuardRules = {
  readonly access: Authenticator
  readonly cors: CorsRules
  /** Whether the daemon listens on loopback only, where a page of a rebound name must not reach it. */
  readonly loopback: boolean
  /** Further names that may stand in `Host`. */
  readonly hosts: readonly string[]
  /** How long a request's target may be, and how many parameters it may have. */
  readonly limits: Pick<Limits, 'max_url_length' | 'max_parameters'> & { readonly rate?: Rate | undefined }
}

/** Orchestrators ask these without any credentials. */
const probes = new Set(['/health', '/healthz', '/ready', '/readyz', '/-/healthy', '/-/ready'])

/**
 * The one check that every request passes, whatever answers it afterwards.
 *
 * It first brings the request's target into its plain form, so that all who look at `request.url` see the same path.
 */
export function createRequestGuard({ access, cors, loopback, hosts, limits }: GuardRules) {
  const allowed = new Set(hosts.map((host) => host.toLowerCase()))
  const hostProblem = memoize(1000, (host: string) => problemOfHost(host) ?? null)
  const waitOf = createRateLimiter()
  const plain = admissionOf(access.authenticate(undefined))

  function problemOfHost(host: string): Problem | undefined {
    const name = hostNameOf(host)
    if (name === undefined) return new Problem('invalid_host', 'The Host header is no host name.')
    if (!loopback || isLoopback(name) || allowed.has(name)) return undefined
    return new Problem(
      'host_forbidden',
      'The daemon listens on loopback and answers only to localhost. Add this name to listen.hosts if it is yours.',
    )
  }

  function admissionOf(principal: Principal | undefined, corsOf?: CorsHeaders): Admission {
    return principal ? { principal, cors: corsOf } : { problem: invalidToken(), cors: corsOf }
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

  /** Says who asks and what they are told; never throws. */
  function admit(request: IncomingMessage): Admission {
    const problem = problemOf(request)
    const { origin, authorization } = request.headers
    if (problem) return { problem, cors: undefined }
    if (origin === undefined && authorization === undefined && plain.problem === undefined)
      return withRole(request, plain)
    const method = request.method ?? 'GET'
    const said = origin === undefined ? undefined : corsHeaders(cors, origin, method, pathOf(request))
    if (
      origin !== undefined &&
      isWrite(method, pathOf(request)) &&
      !isOwn(origin, request) &&
      !cors.origins.includes(origin)
    ) {
      return {
        problem: new Problem('origin_forbidden', 'A page of another origin may not change anything here.'),
        cors: said,
      }
    }
    return withRole(request, admissionOf(access.authenticate(authorization), said))
  }

  function withRole(request: IncomingMessage, admission: Admission): Admission {
    if (admission.problem) return admission
    const { principal, cors: corsOf } = admission
    const limit = principal.rate ?? limits.rate
    if (principal.role !== 'none' && limit === undefined) return admission
    if (probes.has(pathOf(request))) return admission
    if (principal.role === 'none' && !isPreflight(request)) return { problem: needsToken(), cors: corsOf }
    const seconds = limit && waitOf(askerOf(principal, request), limit)
    return seconds === undefined ? admission : { problem: tooOften(seconds), cors: corsOf }
  }

  return { admit, cors }
}
export type RequestGuard = ReturnType<typeof createRequestGuard>

/** Tokens are told apart by their names, whoever has none by their address. */
function askerOf({ anonymous, name }: Principal, { socket }: IncomingMessage): string {
  return anonymous ? `address ${socket.remoteAddress}` : `token ${name}`
}

function tooOften(seconds: number): Problem {
  return new Problem('rate_limited', `You ask more often than you may. Come back in ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
  })
}

function needsToken(): Problem {
  return new Problem('authentication_required', 'Nobody may read here without a bearer token.', {
    headers: { 'www-authenticate': 'Bearer realm="mcp-roster"' },
    more: { role_needed: 'reader' },
  })
}

/** Whether a request may change something; a HEAD does where it is a heartbeat. */
function isWrite(method: string, path: string): boolean {
  if (method === 'HEAD') return path.includes('/heartbeat/')
  return method !== 'GET' && method !== 'OPTIONS'
}

/** Whether a browser asks what a page may do. It sends no token with that, whatever the page sends afterwards. */
export function isPreflight({ method, headers }: IncomingMessage): boolean {
  return method === 'OPTIONS' && headers.origin !== undefined && headers['access-control-request-method'] !== undefined
}

/** Whether a page came from this very daemon. */
function isOwn(origin: string, { headers }: IncomingMessage): boolean {
  return headers.host !== undefined && URL.canParse(origin) && new URL(origin).host === headers.host.toLowerCase()
}

export function pathOf({ url = '/' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

function isTwice(rawHeaders: readonly string[], name: string): boolean {
  let seen = 0
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const one = rawHeaders[index]
    if (one !== undefined && one.length === name.length && one.toLowerCase() === name) seen += 1
  }
  return seen > 1
}

/** A path that clients, proxies and routers would read differently is turned away, never guessed at. */
function targetProblem(
  request: IncomingMessage,
  { max_url_length: maxUrlLength, max_parameters: maxParameters }: GuardRules['limits'],
): Problem | undefined {
  let url = request.url ?? '/'
  if (url.length > maxUrlLength)
    return new Problem('target_too_long', `The request's target is longer than ${maxUrlLength} characters.`)
  if (url.charCodeAt(0) !== 47) {
    if (!/^https?:\/\//i.test(url) || !URL.canParse(url)) {
      return new Problem('invalid_target', "The request's target must be a path that begins with a slash.")
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
    return new Problem('too_many_parameters', `There are more than ${maxParameters} query parameters.`)
  }
  return undefined
}

function countOf(url: string, from: number): number {
  let count = 1
  for (let index = url.indexOf('&', from); index >= 0; index = url.indexOf('&', index + 1)) count += 1
  return count
}
