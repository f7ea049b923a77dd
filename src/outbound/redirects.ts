import { percentDecode } from '../model/data/percent-encoding.ts'
import { BlockedError } from './error-reasons.ts'

/** One request of an exchange; each redirect adds one. */
export type Hop = {
  readonly url: URL
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
}

/** Headers that the HTTP client itself sets, or that apply to one connection. */
const hopByHopHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers that a redirect to another origin keeps; all others may carry credentials of the first origin. */
const crossOriginHeaders = new Set(['accept', 'accept-encoding', 'user-agent'])

/** Why headers cannot be sent; undefined if they can. Omits their values, which may be secrets. */
export function headerProblem(headers: Readonly<Record<string, string>> = {}): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'invalid header name'
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) return `invalid character in header ${name}`
  }
  return undefined
}

/** Headers by lower-case name, without those that only the HTTP client may set. */
export function callerHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const lowerCase = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return Object.fromEntries(lowerCase.filter(([name]) => !hopByHopHeaders.has(name)))
}

/** Moves `user:password@` of a URL into an authorization header, and drops the fragment. */
export function extractCredentials(url: URL): { bare: URL; authorization: Record<string, string> } {
  if (url.username === '' && url.password === '' && url.hash === '') return { bare: url, authorization: {} }
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  bare.hash = ''
  if (url.username === '' && url.password === '') return { bare, authorization: {} }
  const decode = (text: string) => percentDecode(text) ?? text // a literal % stays
  const basic = Buffer.from(`${decode(url.username)}:${decode(url.password)}`).toString('base64')
  return { bare, authorization: { authorization: `Basic ${basic}` } }
}

/** The request that a redirect leads to; undefined for other responses. Throws a `BlockedError` for a forbidden target. */
export function redirectTarget(
  hop: Hop,
  { status, headers: { location } }: { status: number; headers: Record<string, string> },
): Hop | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined
  const target = URL.parse(location, hop.url.href)
  if (!target || !/^https?:$/.test(target.protocol))
    throw new BlockedError('it redirects to an address that is not an http or https URL')
  const { bare: url } = extractCredentials(target)
  if (hop.url.protocol === 'https:' && url.protocol === 'http:')
    throw new BlockedError('it redirects from https to http')
  const isSameOrigin = url.origin === hop.url.origin
  const headers = isSameOrigin ? hop.headers : withoutCredentials(hop.headers)
  const isRead = hop.method === 'GET' || hop.method === 'HEAD'
  if (isRead || status === 307 || status === 308) {
    if (!isRead && !isSameOrigin) throw new BlockedError(`it redirects a ${hop.method} to another origin`)
    return { ...hop, url, headers }
  }
  const { 'content-type': _, ...rest } = headers
  return { url, method: 'GET', headers: rest }
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => crossOriginHeaders.has(name)))
}
