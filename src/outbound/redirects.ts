import { Blocked } from './error-reasons.ts'

/** One request of an exchange; a redirect makes the next. */
export type Hop = {
  readonly url: URL
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

/** What concerns one connection only, or is for HTTP itself to say. */
const ofConnection = new Set([
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

/** What may follow a redirect to another origin: nothing that was meant for the first. */
const harmless = new Set(['accept', 'accept-encoding', 'user-agent'])

/** Why headers cannot be sent; undefined where they can. Values are not repeated, they may be secrets. */
export function sendable(headers: Readonly<Record<string, string>> = {}): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return 'the name of a header is not valid'
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) return `the header ${name} holds a character that headers cannot`
  }
  return undefined
}

/** Headers by lower-case name, but for those that are not the caller's to say. */
export function ownHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return Object.fromEntries(lower.filter(([name]) => !ofConnection.has(name)))
}

/** Takes `user:password@` out of a URL, as the header it stands for. */
export function credentialHeaders(url: URL): { bare: URL; authorization: Record<string, string> } {
  if (url.username === '' && url.password === '' && url.hash === '') return { bare: url, authorization: {} }
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  bare.hash = ''
  if (url.username === '' && url.password === '') return { bare, authorization: {} }
  const basic = Buffer.from(`${plain(url.username)}:${plain(url.password)}`).toString('base64')
  return { bare, authorization: { authorization: `Basic ${basic}` } }
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a lone % is meant as it stands
  }
}

/** Where an answer sends us next; undefined where it is no redirect. Throws `Blocked` where we do not go. */
export function towards(hop: Hop, answer: { status: number; headers: Record<string, string> }): Hop | undefined {
  const { location } = answer.headers
  if (![301, 302, 303, 307, 308].includes(answer.status) || location === undefined) return undefined
  const target = URL.parse(location, hop.url.href)
  if (!target || !/^https?:$/.test(target.protocol))
    throw new Blocked('it redirects to what is no URL of http or https')
  const { bare: url } = credentialHeaders(target)
  if (hop.url.protocol === 'https:' && url.protocol === 'http:') throw new Blocked('it redirects from https to http')
  const same = url.origin === hop.url.origin
  const headers = same ? hop.headers : onlyHarmless(hop.headers)
  const asked = hop.method === 'GET' || hop.method === 'HEAD'
  if (asked || answer.status === 307 || answer.status === 308) {
    if (!asked && !same) throw new Blocked('it redirects what was meant for it to another origin')
    return { ...hop, url, headers }
  }
  const { 'content-type': _, ...rest } = headers
  return { url, method: 'GET', headers: rest }
}

function onlyHarmless(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.has(name)))
}
