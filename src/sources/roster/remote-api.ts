import { setTimeout as pause } from 'node:timers/promises'
import { SourceError } from '../../model/source.ts'
import type { HttpClient, OutboundRequest, OutboundResponse, OutboundStream } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import { isFields } from '../documents/entry.ts'
import { parseRetryAfter } from '../http/conditional-request.ts'
import { rosterTooLarge } from './remote-servers.ts'

/** The remote roster answers, but its watch does not work. */
export class UnwatchableError extends SourceError {}

/** A watch without a byte for this many milliseconds is closed: three heartbeats of 15 s are missing. */
const maxWatchIdleMs = 45_000

const pageSize = 1000

/** Number of requests to a roster that waits only for other rosters, and the pause between two, in milliseconds. */
const maxReadinessChecks = 4
const readinessPauseMs = 500

export type RemoteCredentials = Pick<OutboundRequest, 'headers' | 'tls' | 'allow' | 'deny'>

/** The instance id of a roster, and the names of its sources, other rosters apart, that it has not read since its start. */
export type RemoteIdentity = { readonly instance: string; readonly unread: readonly string[] }

/** The whole remote list, or that it is unchanged since the ETag. */
export type RemoteList =
  | { readonly etag: string | undefined; readonly servers: readonly unknown[]; readonly bytes: number }
  | 'unchanged'

/** The HTTP API of the roster at `url`, as far as a follower uses it. */
export function createRemoteApi({
  url,
  httpClient,
  timeoutMs,
  maxBytes,
  maxTotalBytes,
}: {
  url: string
  httpClient: Pick<HttpClient, 'request' | 'stream'>
  timeoutMs: number
  maxBytes: number
  /** Maximum bytes of all pages of a list. */
  maxTotalBytes: number
}) {
  const options = { reach: 'any', timeoutMs } as const

  async function request(path: string, credentials: RemoteCredentials, signal: AbortSignal): Promise<OutboundResponse> {
    try {
      return await httpClient.request(url + path, { ...options, ...credentials, maxBytes, signal })
    } catch (error) {
      throw asSourceError(error)
    }
  }

  /**
   * The instance id of the remote roster, and its own sources that it has not read although its startup is over. Throws
   * during its startup, while it has not read all of them: a server that it does not know yet is not gone.
   *
   * Waits only a moment for servers that it learns from other rosters: those may wait for this one.
   */
  async function identify(credentials: RemoteCredentials, signal: AbortSignal): Promise<RemoteIdentity> {
    for (let check = 1; ; check += 1) {
      const response = await request('/ready', credentials, signal)
      if (response.status !== 200 && response.status !== 503) throw statusError(response)
      const { ready, instance_id: instance, sources } = parseFields(response)
      if (typeof instance !== 'string' || instance === '') {
        throw new SourceError('not an mcp-roster: /ready answers without an instance_id', { class: 'config' })
      }
      const isLocallyReady = hasReadLocalSources(sources)
      if (ready === true || (check === maxReadinessChecks && isLocallyReady)) {
        return { instance, unread: unreadLocalSources(sources) }
      }
      if (!isLocallyReady) throw new SourceError('roster has not read all of its own sources yet')
      await pause(readinessPauseMs, undefined, { signal })
    }
  }

  /** Opens the watch, from `token` if there is one. */
  async function watch(
    token: string | undefined,
    credentials: RemoteCredentials,
    signal: AbortSignal,
  ): Promise<OutboundStream> {
    const from = token === undefined ? '' : `&resource_version=${encodeURIComponent(token)}`
    let stream: OutboundStream
    try {
      stream = await httpClient.stream(`${url}/servers?watch=true${from}`, {
        ...options,
        ...credentials,
        idleMs: maxWatchIdleMs,
        signal,
      })
    } catch (error) {
      // The roster has just answered a plain request, so a proxy in between buffers streams.
      if (error instanceof OutboundError && error.reason === 'timeout' && !signal.aborted)
        throw new UnwatchableError('does not begin')
      throw asSourceError(error)
    }
    const type = stream.headers['content-type'] ?? ''
    if (stream.status === 200 && /ndjson/i.test(type)) return stream
    stream.close()
    if (stream.status === 401 || stream.status === 403) throw statusError(stream)
    throw new UnwatchableError(stream.status === 200 ? 'answers another content type' : `answers ${stream.status}`)
  }

  /** The whole list. One page that fails voids it. */
  async function list(
    etag: string | undefined,
    credentials: RemoteCredentials,
    signal: AbortSignal,
  ): Promise<RemoteList> {
    const servers: unknown[] = []
    const validators = etag === undefined ? {} : { 'if-none-match': etag }
    let nextEtag: string | undefined
    let bytes = 0
    for (let cursor: unknown = '', pages = 0; typeof cursor === 'string'; pages += 1) {
      const continuation = cursor === '' ? '' : `&continue=${encodeURIComponent(cursor)}`
      const headers = { ...credentials.headers, ...(pages === 0 && validators) }
      const response = await request(`/servers?limit=${pageSize}${continuation}`, { ...credentials, headers }, signal)
      if (response.status === 304 && pages === 0) return 'unchanged'
      if (response.status !== 200) throw statusError(response)
      if (pages === 0) nextEtag = response.headers['etag']
      bytes += response.body.length
      if (bytes > maxTotalBytes) throw rosterTooLarge(maxTotalBytes)
      const body = parseFields(response)
      if (!Array.isArray(body['servers'])) throw new SourceError('roster answered a list without servers')
      servers.push(...(body['servers'] as unknown[]))
      cursor = body['continue']
    }
    return { etag: nextEtag, servers, bytes }
  }

  return { identify, watch, list }
}

/** Whether only sources of type `roster` are still unread over there. */
function hasReadLocalSources(sources: unknown): boolean {
  if (!Array.isArray(sources) || sources.length === 0) return false
  return sources.every((source) => isFields(source) && (source['answered'] === true || source['type'] === 'roster'))
}

function unreadLocalSources(sources: unknown): string[] {
  const all = Array.isArray(sources) ? sources.filter(isFields) : []
  return all.filter(({ answered, type }) => answered === false && type !== 'roster').map(({ name }) => String(name))
}

function parseFields({ body }: OutboundResponse): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body.toString())
    if (isFields(value)) return value
  } catch {
    // Reported below: the message of the parser quotes the body.
  }
  throw new SourceError('roster answered a body that is not a JSON object')
}

function statusError({ status, headers }: Pick<OutboundResponse, 'status' | 'headers'>): SourceError {
  if (status === 401 || status === 403) {
    return new SourceError(`roster answered ${status}; check the token`, { class: 'auth' })
  }
  const isTransient = status >= 500 || status === 429
  return new SourceError(`roster answered ${status}`, {
    class: isTransient ? 'transient' : 'config',
    retry_after: parseRetryAfter(headers['retry-after']),
  })
}

export function asSourceError(error: unknown): SourceError {
  if (error instanceof SourceError) return error
  if (!(error instanceof OutboundError)) return new SourceError('read failed unexpectedly', { cause: error })
  return new SourceError(error.message, { class: error.reason === 'blocked' ? 'config' : 'transient', cause: error })
}
