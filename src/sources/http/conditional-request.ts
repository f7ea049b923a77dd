import { SourceError } from '../../model/source.ts'
import type { HttpClient, OutboundResponse, OutboundRequest } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'

/** There is an answer, but no document: another address may be the right one. */
export class NoDocumentError extends SourceError {}

/** What may be sent along to hear "not modified" instead of the same again. */
export type Validators = { readonly etag?: string | undefined; readonly modified?: string | undefined }

export type FetchedDocument =
  | { readonly type: 'unchanged'; readonly freshMs: number; readonly answeredAt: number | undefined }
  | {
      readonly type: 'document'
      readonly text: string
      readonly format: 'json' | 'yaml' | 'unsaid'
      readonly validators: Validators
      readonly freshMs: number
      readonly answeredAt: number | undefined
    }

export type DocumentRequestOptions = Pick<
  OutboundRequest,
  'reach' | 'timeoutMs' | 'maxBytes' | 'headers' | 'tls' | 'allow' | 'deny'
>

const accept =
  'application/json, application/ai-catalog+json, application/mcp-server-card+json, application/yaml;q=0.9, text/plain;q=0.5'

const mostRedirects = 3
const webPage = 'answered a web page instead of a document'

/**
 * Asks for one URL; answers with a text that is worth parsing, or that it is unchanged. Anything else is a `SourceError`.
 *
 * Redirects are followed within the same origin only: another one gets neither our credentials nor our belief.
 */
export async function requestDocument(
  httpClient: Pick<HttpClient, 'request'>,
  url: string,
  terms: DocumentRequestOptions,
  { signal, validators = {} }: { signal: AbortSignal; validators?: Validators },
): Promise<FetchedDocument> {
  const headers: Record<string, string> = { accept, ...terms.headers }
  if (validators.etag !== undefined) headers['if-none-match'] = validators.etag
  else if (validators.modified !== undefined) headers['if-modified-since'] = validators.modified
  const conditional = validators.etag !== undefined || validators.modified !== undefined
  const ends = performance.now() + terms.timeoutMs
  let at = url
  for (let redirects = 0; ; redirects++) {
    const timeoutMs = Math.max(1, ends - performance.now())
    const answer = await request(httpClient, at, { ...terms, headers, timeoutMs, signal, maxRedirects: 0 })
    const freshMs = freshnessOf(answer.headers['cache-control'])
    const answeredAt = Date.parse(answer.headers['date'] ?? '') || undefined
    if (answer.status === 304 && conditional) return { type: 'unchanged', freshMs, answeredAt }
    if (answer.status === 200) return { ...documentOf(answer), freshMs, answeredAt }
    at = redirected(answer, at, redirects)
  }
}

async function request(
  httpClient: Pick<HttpClient, 'request'>,
  url: string,
  terms: OutboundRequest,
): Promise<OutboundResponse> {
  try {
    return await httpClient.request(url, terms)
  } catch (cause) {
    if (!(cause instanceof OutboundError)) throw cause
    throw new SourceError(cause.message, { class: cause.reason === 'blocked' ? 'config' : 'transient', cause })
  }
}

/** Where a redirect leads; throws for every status that is neither a document nor a redirect we follow. */
function redirected({ status, headers }: OutboundResponse, from: string, redirects: number): string {
  if (![301, 302, 303, 307, 308].includes(status)) throw statusError(status, headers)
  const location = headers['location'] ?? ''
  if (location === '' || !URL.canParse(location, from)) {
    throw new SourceError(`answered ${status} without saying where to go`, { class: 'config' })
  }
  const to = new URL(location, from)
  if (to.origin !== new URL(from).origin) {
    const elsewhere = to.origin === 'null' ? `a ${to.protocol} address` : to.origin
    throw new SourceError(
      `redirects to ${elsewhere}, which is not followed; if that is right, configure that address`,
      {
        class: 'config',
      },
    )
  }
  if (redirects >= mostRedirects)
    throw new SourceError(`redirects more than ${mostRedirects} times`, { class: 'config' })
  return to.href
}

function statusError(status: number, headers: OutboundResponse['headers']): SourceError {
  const retry_after = parseRetryAfter(headers['retry-after'])
  if (status === 401 || status === 403) {
    return new SourceError(`answered ${status}: it wants other credentials`, { class: 'auth', retry_after })
  }
  const passing = status >= 500 || status === 408 || status === 425 || status === 429
  if (passing) return new SourceError(`answered ${status}`, { retry_after })
  return new NoDocumentError(`answered ${status}`, { class: 'config', retry_after })
}

/** Seconds of a Retry-After header, which holds seconds or a date. */
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

/** A body is read strictly: what is no text, or no document by its own word, must not pass for an empty list. */
function documentOf({ headers, body }: OutboundResponse) {
  const format = formatOf(headers['content-type'])
  if (body.length === 0) throw new SourceError('answered an empty body')
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch (cause) {
    throw new SourceError('answered a body that is not UTF-8', { cause })
  }
  if (text.startsWith('\uFEFF')) throw new SourceError('answered a body that begins with a byte order mark')
  if (/^\s*<(!doctype|html|\?xml)/i.test(text)) throw new NoDocumentError(webPage)
  const validators = { etag: headers['etag'], modified: headers['last-modified'] }
  return { type: 'document', text, format, validators } as const
}

function formatOf(contentType = ''): 'json' | 'yaml' | 'unsaid' {
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (/^(application|text)\/([\w.-]+\+)?json$/.test(type)) return 'json'
  if (/^(application|text)\/(x-|vnd\.|[\w.-]+\+)?yaml$/.test(type)) return 'yaml'
  if (type === '' || type === 'text/plain') return 'unsaid'
  if (type === 'text/html' || type === 'application/xhtml+xml') {
    throw new NoDocumentError(webPage)
  }
  throw new NoDocumentError(`answered content of type ${JSON.stringify(type.slice(0, 80))} instead of JSON or YAML`)
}
