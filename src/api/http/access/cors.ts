import type { Cors } from '../../config/cors.ts'

/** The configured origins and what their pages may use. */
export type CorsRules = Pick<Cors, 'origins' | 'methods' | 'headers'>

export type CorsHeaders = Readonly<Record<string, string>>

const openPath = /^\/(v0\.1|v0|\.well-known)(\/|$)/

/** Whether every web page may read this: the official registry's API and the well-known documents. */
export function isOpen(method: string, path: string): boolean {
  return (method === 'GET' || method === 'HEAD') && openPath.test(path)
}

/** Headers of every published document, also without an `Origin`: some clients look for them before a page asks. */
export const publicReadHeaders = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'Authorization, Content-Type',
} as const

const exposedHeaders = 'ETag, Retry-After, X-Request-Id'

/** The headers that let a page of `origin` read a response; undefined where it may not. */
export function corsHeaders(
  { origins }: CorsRules,
  origin: string,
  method: string,
  path: string,
): CorsHeaders | undefined {
  if (isOpen(method, path) || origins.includes('*')) {
    return { 'access-control-allow-origin': '*', 'access-control-expose-headers': exposedHeaders }
  }
  if (!origins.includes(origin)) return undefined
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': exposedHeaders }
}

/** The headers of an allowed preflight; undefined for one that is not allowed. */
export function preflight(rules: CorsRules, origin: string, method: string, path: string): CorsHeaders | undefined {
  const allowed = corsHeaders(rules, origin, method, path)
  if (!allowed) return undefined
  if (isOpen(method, path)) return { ...allowed, ...publicReadHeaders, 'access-control-max-age': '7200' }
  const { methods } = rules
  if (!methods.includes(method) && !methods.includes('*')) return undefined
  return {
    ...allowed,
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': rules.headers.join(', '),
    'access-control-max-age': '7200',
  }
}
