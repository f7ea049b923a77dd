import type { Cors } from '../../config/cors.ts'

/** Who may read across origins, and with what. */
export type CorsRules = Pick<Cors, 'origins' | 'methods' | 'headers'>

export type CorsHeaders = Readonly<Record<string, string>>

const openPath = /^\/(v0\.1|v0|\.well-known)(\/|$)/

/** Public reading that any web page may do: the official registry's API and the well-known documents. */
export function isOpen(method: string, path: string): boolean {
  return (method === 'GET' || method === 'HEAD') && openPath.test(path)
}

/** Said with every published document, asked from a page or not: some clients look for it before they ask from one. */
export const openToAll = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-allow-headers': 'Authorization, Content-Type',
} as const

const exposed = 'ETag, Retry-After, X-Request-Id'

/** What is said to a page of `origin` beside an answer; undefined where it may not read it. */
export function corsHeaders(
  { origins }: CorsRules,
  origin: string,
  method: string,
  path: string,
): CorsHeaders | undefined {
  if (isOpen(method, path) || origins.includes('*')) {
    return { 'access-control-allow-origin': '*', 'access-control-expose-headers': exposed }
  }
  if (!origins.includes(origin)) return undefined
  return { 'access-control-allow-origin': origin, 'access-control-expose-headers': exposed }
}

/** What a preflight is told; undefined where the page may not do what it asks. */
export function preflight(rules: CorsRules, origin: string, method: string, path: string): CorsHeaders | undefined {
  const allowed = corsHeaders(rules, origin, method, path)
  if (!allowed) return undefined
  if (isOpen(method, path)) return { ...allowed, ...openToAll, 'access-control-max-age': '7200' }
  const { methods } = rules
  if (!methods.includes(method) && !methods.includes('*')) return undefined
  return {
    ...allowed,
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': rules.headers.join(', '),
    'access-control-max-age': '7200',
  }
}
