import { freeBytes } from '../../flow/bytes/free-bytes.ts'
import { SourceError } from '../../model/source.ts'
import type { HttpClient, OutboundRequest, OutboundResponse } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'

/** The server answered without a document: another address may be the right one. */
export class NoDocumentError extends SourceError {}

/** Validators of an earlier response. Sent along, they let the server answer 304 instead of the same body. */
export type Validators = { readonly etag?: string | undefined; readonly modified?: string | undefined }

export type FetchedDocument =
  | { readonly type: 'unchanged'; readonly freshMs: number; readonly answeredAt: number | undefined }
  | {
      readonly type: 'document'
      readonly text: string
      readonly format: 'json' | 'yaml' | 'unknown'
      readonly validators: Validators
      readonly freshMs: number
      /** Time on the server's own clock. */
      readonly answeredAt: number | undefined
    }

export type DocumentRequestOptions = Pick<
  OutboundRequest,
  'reach' | 'timeoutMs' | 'maxBytes' | 'headers' | 'tls' | 'allow' | 'deny'
>

const accept =
  'application/json, application/ai-catalog+json, application/mcp-server-card+json, application/yaml;q=0.9, text/plain;q=0.5'

const maxRedirects = 3
const webPage = 'server answered a web page instead of a document'

/**
 * Requests one URL. Returns a text that may be a document, or that it is unchanged; any other response is a `SourceError`.
 *
 * Follows redirects within the same origin only: another origin gets neither our credentials nor our trust.
 */
export async function requestDocument(
  httpClient: Pick<HttpClient, 'request'>,
  url: string,
  options: DocumentRequestOptions,
  { signal, validators = {} }: { signal: AbortSignal; validators?: Validators },
): Promise<FetchedDocument> {
  const headers: Record<string, string> = { accept, ...options.headers }
  if (validators.etag !== undefined) headers['if-none-match'] = validators.etag
  else if (validators.modified !== undefined) headers['if-modified-since'] = validators.modified
  const isConditional = validators.etag !== undefined || validators.modified !== undefined
  const deadline = performance.now() + options.timeoutMs
  let currentUrl = url
  for (let redirects = 0; ; redirects++) {
    const timeoutMs = Math.max(1, deadline - performance.now())
    const response = await request(httpClient, currentUrl, { ...options, headers, timeoutMs, signal, maxRedirects: 0 })
    const freshMs = freshnessOf(response.headers['cache-control'])
    const answeredAt = Date.parse(response.headers['date'] ?? '') || undefined
    if (response.status === 304 && isConditional) return { type: 'unchanged', freshMs, answeredAt }
    if (response.status === 200) return { ...decodeDocument(response), freshMs, answeredAt }
    currentUrl = redirectTarget(response, currentUrl, redirects)
  }
}

async function request(
  httpClient: Pick<HttpClient, 'request'>,
  url: string,
  options: OutboundRequest,
): Promise<OutboundResponse> {
  try {
    return await httpClient.request(url, options)
  } catch (cause) {
    if (!(cause instanceof OutboundError)) throw cause
    throw new SourceError(cause.message, { class: cause.reason === 'blocked' ? 'config' : 'transient', cause })
  }
}

/** The URL of a redirect that is followed. Throws for every other status. */
function redirectTarget({ status, headers }: OutboundResponse, from: string, redirects: number): string {
  if (![301, 302, 303, 307, 308].includes(status)) throw statusError(status, headers)
  const location = headers['location'] ?? ''
  if (location === '' || !URL.canParse(location, from)) {
    throw new SourceError(`server answered ${status} without a Location`, { class: 'config' })
  }
  const target = new URL(location, from)
  if (target.origin !== new URL(from).origin) {
    const destination = target.origin === 'null' ? `a ${target.protocol} address` : target.origin
    throw new SourceError(
      `server redirects to ${destination}, which is not followed; configure that address if it is right`,
      { class: 'config' },
    )
  }
  if (redirects >= maxRedirects)
    throw new SourceError(`server redirects more than ${maxRedirects} times`, { class: 'config' })
  return target.href
}

function statusError(status: number, headers: OutboundResponse['headers']): SourceError {
  const retry_after = parseRetryAfter(headers['retry-after'])
  if (status === 401 || status === 403) {
    return new SourceError(`server answered ${status}; check the credentials`, { class: 'auth', retry_after })
  }
  const isTransient = status >= 500 || status === 408 || status === 425 || status === 429
  if (isTransient) return new SourceError(`server answered ${status}`, { retry_after })
  return new NoDocumentError(`server answered ${status}`, { class: 'config', retry_after })
}

/** Seconds of a `Retry-After` header, which holds seconds or a date. */
export function parseRetryAfter(header: string | undefined, now = Date.now()): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header.trim())) return Number(header)
  const date = Date.parse(header)
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000))
}

function freshnessOf(cacheControl = ''): number {
  if (/\bno-(store|cache)\b/i.test(cacheControl)) return 0
  return Number(/\bmax-age\s*=\s*"?(\d+)/i.exec(cacheControl)?.[1] ?? 0) * 1000
}

/** Decodes a body strictly: a body that is not text, or not a document, must not pass for an empty list. Frees its bytes. */
function decodeDocument({ headers, body }: OutboundResponse) {
  const format = formatOf(headers['content-type'])
  if (body.length === 0) throw new SourceError('server answered an empty body')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch (cause) {
    throw new SourceError('server answered a body that is not UTF-8', { cause })
  } finally {
    freeBytes(body)
  }
  if (text.startsWith('\uFEFF')) throw new SourceError('server answered a body that begins with a byte order mark')
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) throw new NoDocumentError(webPage)
  const validators = { etag: headers['etag'], modified: headers['last-modified'] }
  return { type: 'document', text, format, validators } as const
}

function formatOf(contentType = ''): 'json' | 'yaml' | 'unknown' {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (/^(application|text)\/([\w.-]+\+)?json$/.test(type)) return 'json'
  if (/^(application|text)\/(x-|vnd\.|[\w.-]+\+)?yaml$/.test(type)) return 'yaml'
  if (type === '' || type === 'text/plain') return 'unknown'
  if (type === 'text/html' || type === 'application/xhtml+xml') throw new NoDocumentError(webPage)
  const quotedType = JSON.stringify(type.slice(0, 80))
  throw new NoDocumentError(`server answered content of type ${quotedType} instead of JSON or YAML`)
}
