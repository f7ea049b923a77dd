import { setTimeout as pause } from 'node:timers/promises'
import { SourceError } from '../../model/source.ts'
import type { HttpClient, OutboundResponse, OutboundRequest, OutboundStream } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import { isFields } from '../documents/entry.ts'
import { parseRetryAfter } from '../http/conditional-request.ts'

/** The far roster cannot be watched, though it answers. */
export class UnwatchableError extends SourceError {}

/** Heartbeats come every 15 s; three of them missed is silence. */
const idleMs = 45_000

const page = 1000

/** How often a roster is asked that only waits for other rosters, and how long is waited in between. */
const mostGreetings = 4
const greetingMs = 500

export type RemoteRequest = Pick<OutboundRequest, 'headers' | 'tls' | 'allow' | 'deny'>

/** One page after another of the far list, or that it has not changed. */
export type RemoteList = { readonly etag: string | undefined; readonly servers: readonly unknown[] } | 'unchanged'

/** The roster at `url`, and what may be asked of it. */
export function createRemoteApi({
  url,
  httpClient,
  timeoutMs,
  maxBytes,
}: {
  url: string
  httpClient: Pick<HttpClient, 'request' | 'stream'>
  timeoutMs: number
  maxBytes: number
}) {
  const terms = { reach: 'any', timeoutMs } as const

  async function ask(path: string, asking: RemoteRequest, signal: AbortSignal): Promise<OutboundResponse> {
    try {
      return await httpClient.request(url + path, { ...terms, ...asking, maxBytes, signal })
    } catch (error) {
      throw asSourceError(error)
    }
  }

  /**
   * What the far roster calls itself. Throws while it does not know all of its own servers yet: what it lacks is not gone.
   *
   * For what it learns from other rosters it is waited for a moment only: they may be waiting for us.
   */
  async function greet(asking: RemoteRequest, signal: AbortSignal): Promise<string> {
    for (let asked = 1; ; asked += 1) {
      const answer = await ask('/ready', asking, signal)
      if (answer.status !== 200 && answer.status !== 503) throw statusError(answer)
      const { ready, instance_id: instance, sources } = fieldsIn(answer)
      if (typeof instance !== 'string' || instance === '') {
        throw new SourceError('is no mcp-roster: it does not say at /ready which one it is', { class: 'config' })
      }
      if (ready === true || (asked === mostGreetings && hasReadItsOwn(sources))) return instance
      if (!hasReadItsOwn(sources)) throw new SourceError('has not read all of its own sources yet')
      await pause(greetingMs, undefined, { signal })
    }
  }

  /** Opens the watch, from a token on where one is known. */
  async function watch(token: string | undefined, asking: RemoteRequest, signal: AbortSignal): Promise<OutboundStream> {
    const from = token === undefined ? '' : `&resource_version=${encodeURIComponent(token)}`
    let stream: OutboundStream
    try {
      stream = await httpClient.stream(`${url}/servers?watch=true${from}`, { ...terms, ...asking, idleMs, signal })
    } catch (error) {
      // It has just answered a plain question: something between us keeps back what comes bit by bit.
      if (error instanceof OutboundError && error.reason === 'timeout' && !signal.aborted)
        throw new UnwatchableError('does not begin to answer')
      throw asSourceError(error)
    }
    const type = stream.headers['content-type'] ?? ''
    if (stream.status === 200 && /ndjson/i.test(type)) return stream
    stream.close()
    if (stream.status === 401 || stream.status === 403) throw statusError(stream)
    throw new UnwatchableError(stream.status === 200 ? 'answers something else' : `answers ${stream.status}`)
  }

  /** The whole list; a page that fails voids it. */
  async function list(etag: string | undefined, asking: RemoteRequest, signal: AbortSignal): Promise<RemoteList> {
    const servers: unknown[] = []
    const conditional = etag === undefined ? {} : { 'if-none-match': etag }
    let found: string | undefined
    for (let next: unknown = '', pages = 0; typeof next === 'string'; pages += 1) {
      const more = next === '' ? '' : `&continue=${encodeURIComponent(next)}`
      const headers = { ...asking.headers, ...(pages === 0 && conditional) }
      const answer = await ask(`/servers?limit=${page}${more}`, { ...asking, headers }, signal)
      if (answer.status === 304 && pages === 0) return 'unchanged'
      if (answer.status !== 200) throw statusError(answer)
      if (pages === 0) found = answer.headers['etag']
      const body = fieldsIn(answer)
      if (!Array.isArray(body['servers'])) throw new SourceError('answers a list without servers')
      servers.push(...(body['servers'] as unknown[]))
      next = body['continue']
    }
    return { etag: found, servers }
  }

  return { greet, watch, list }
}

/** Whether all that is still to be read over there comes from other rosters. */
function hasReadItsOwn(sources: unknown): boolean {
  if (!Array.isArray(sources) || sources.length === 0) return false
  return sources.every((one) => isFields(one) && (one['answered'] === true || one['type'] === 'roster'))
}

function fieldsIn({ body }: OutboundResponse): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString())
    if (isFields(value)) return value
  } catch {
    // Told below: nothing of a body may be in a message.
  }
  throw new SourceError('answers something that is no JSON object')
}

function statusError({ status, headers }: Pick<OutboundResponse, 'status' | 'headers'>): SourceError {
  if (status === 401 || status === 403) {
    return new SourceError(`answered ${status}: it wants another token`, { class: 'auth' })
  }
  const passing = status >= 500 || status === 429
  return new SourceError(`answered ${status}`, {
    class: passing ? 'transient' : 'config',
    retry_after: parseRetryAfter(headers['retry-after']),
  })
}

export function asSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error
  if (!(error instanceof OutboundError)) return new SourceError('could not be read', { cause: error })
  return new SourceError(error.message, { class: error.reason === 'blocked' ? 'config' : 'transient', cause: error })
}
