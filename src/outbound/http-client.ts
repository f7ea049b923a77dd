import { lookup as systemLookup } from 'node:dns'
import { connect as connectSocket } from 'node:net'
import { createDeadline, type Deadline } from '../flow/deadline.ts'
import { type AddressPolicy, checkLiteralAddress, guardedLookup } from './address-guard.ts'
import { type ClientTls, createConnectionPools } from './connection-pools.ts'
import { dispatch, type ResponseHead } from './dispatch.ts'
import { createDnsLookup, type HostLookup } from './dns-lookup.ts'
import { BlockedError, errorCode } from './error-reasons.ts'
import { createNameServerCheck } from './name-server-check.ts'
import { OutboundError, outboundErrorFrom } from './outbound-error.ts'
import { callerHeaders, extractCredentials, headerProblem, type Hop, redirectTarget } from './redirects.ts'
import { drainBody, readBody, streamBody } from './response-body.ts'

/** One exchange with a remote host. Each limit covers the whole exchange, redirects included. */
export type OutboundRequest = {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /**
   * Which addresses may be called: `any` but metadata and link-local, `private` (never loopback either), or `public` (no
   * private network either, but those of `exceptions`).
   */
  readonly reach: AddressPolicy['reach']
  readonly exceptions?: readonly string[]
  /** Restricts `reach` further: only the allowed networks, never the denied ones (CIDRs). */
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly timeoutMs: number
  /** Limit of the body on the wire, and again once decoded. */
  readonly maxBytes: number
  /** Redirects to follow, each checked like the first address; other origins get no credentials. Default 0. */
  readonly maxRedirects?: number
  readonly tls?: ClientTls
  readonly signal?: AbortSignal
}

export type OutboundResponse = {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The address that responded, after redirects. */
  readonly url: string
}

/** A long-lived read: limited by silence instead of total time and size. Follows no redirect. */
export type OutboundStreamRequest = Omit<OutboundRequest, 'maxBytes' | 'maxRedirects' | 'timeoutMs'> & {
  /** Deadline of the response's head. */
  readonly timeoutMs: number
  /** Maximum silence between two chunks of the body. */
  readonly idleMs: number
}

export type OutboundStream = Omit<OutboundResponse, 'body'> & {
  /** The body as it arrives, unencoded; throws an `OutboundError` if it breaks off. Can be read once. */
  readonly body: AsyncIterable<Buffer>
  /** Releases the connection, at any time. */
  readonly close: () => void
}

/** A request for a status alone. Follows no redirect. */
export type StatusRequest = Omit<OutboundRequest, 'maxRedirects'> & {
  /** Wait for a body of up to `maxBytes`, so that its connection can be reused. */
  readonly drainMs: number
}

export type HttpClient = {
  /** Exchanges one request for one complete response; rejects with an `OutboundError`. */
  readonly request: (url: string, request: OutboundRequest) => Promise<OutboundResponse>
  /** Opens a response whose body is read as it arrives; rejects with an `OutboundError`. */
  readonly stream: (url: string, request: OutboundStreamRequest) => Promise<OutboundStream>
  /** The status of a response, whatever its body; rejects with an `OutboundError`. */
  readonly requestStatus: (url: string, request: StatusRequest) => Promise<number>
  /** Resolves once a TCP connection was established; rejects with an `OutboundError`. */
  readonly connect: (
    host: string,
    port: number,
    request: Pick<OutboundRequest, 'reach' | 'exceptions' | 'allow' | 'deny' | 'timeoutMs' | 'signal'>,
  ) => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * Opens the outbound HTTP client, the only way to other hosts; it connects only to permitted addresses.
 *
 * The address checked is the one connected to, whether it was written in the URL or resolved by DNS.
 */
export function openHttpClient({ lookup: resolveName }: { lookup?: HostLookup } = {}): HttpClient {
  const lookup = resolveName
    ? createDnsLookup({ lookup: resolveName })
    : createDnsLookup({
        lookup: (hostname, options, callback) => systemLookup(hostname, options, callback),
        isAnswered: createNameServerCheck(),
      })
  const pools = createConnectionPools({ lookup })
  let isClosed = false

  function assertUsable(deadline: Deadline): void {
    if (isClosed) throw new OutboundError('refused', 'the outbound HTTP client is closed: the daemon is stopping')
    const reason = deadline.abortReason()
    if (reason) throw reason
  }

  async function open(hop: Hop, request: GuardedRequest, deadline: Deadline): Promise<ResponseHead> {
    assertUsable(deadline)
    using count = pools.countConnections(hop.url.origin)
    const agent = await pools.poolFor(request)
    assertUsable(deadline)
    try {
      return await dispatch(agent, wireRequest(hop), deadline)
    } catch (error) {
      // The remote host may close an idle connection just as it is reused; only then is a retry safe.
      const wasReused = hop.method === 'GET' && isReset(error) && count.connections() === 0
      if (!wasReused || deadline.abortReason()) throw error
      return await dispatch(agent, wireRequest(hop), deadline)
    }
  }

  async function request(text: string, request: OutboundRequest): Promise<OutboundResponse> {
    let hop = firstHop(text, request, 'gzip')
    using deadline = createDeadline(request.timeoutMs, request.signal)
    try {
      for (let redirects = 0; ; redirects++) {
        const response = await open(hop, request, deadline)
        const next = request.maxRedirects ? redirectTarget(hop, response) : undefined
        if (!next) return { ...response, url: hop.url.href, body: await readBody(response, hop, request.maxBytes) }
        response.body.drop()
        if (redirects >= (request.maxRedirects ?? 0)) throw new BlockedError('too many redirects')
        hop = next
      }
    } catch (error) {
      throw outboundErrorFrom(hop.url.host, error, deadline)
    }
  }

  async function stream(text: string, request: OutboundStreamRequest): Promise<OutboundStream> {
    const hop = firstHop(text, request, 'identity')
    const deadline = createDeadline(request.timeoutMs, request.signal)
    try {
      const response = await open(hop, request, deadline)
      deadline.restart(request.idleMs)
      const close = () => {
        deadline[Symbol.dispose]()
        response.body.drop()
      }
      return { ...response, url: hop.url.href, body: streamBody(response, hop, deadline, request.idleMs, close), close }
    } catch (error) {
      deadline[Symbol.dispose]()
      throw outboundErrorFrom(hop.url.host, error, deadline)
    }
  }

  async function requestStatus(text: string, request: StatusRequest): Promise<number> {
    const hop = firstHop(text, request, 'identity')
    using deadline = createDeadline(request.timeoutMs, request.signal)
    try {
      const { status, body } = await open(hop, request, deadline)
      await drainBody(body, deadline, { ms: request.drainMs, maxBytes: request.maxBytes })
      return status
    } catch (error) {
      throw outboundErrorFrom(hop.url.host, error, deadline)
    }
  }

  async function connect(host: string, port: number, request: Parameters<HttpClient['connect']>[2]): Promise<void> {
    using deadline = createDeadline(request.timeoutMs, request.signal)
    const bare = host.replace(/^\[|\]$/g, '')
    try {
      assertUsable(deadline)
      const guard = pools.guardFor(request)
      const blocked = checkLiteralAddress(bare, guard)
      if (blocked) throw blocked
      const socket = connectSocket({ host: bare, port, autoSelectFamily: true, lookup: guardedLookup(guard, lookup) })
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve).once('error', reject)
        deadline.onAbort(reject)
      }).finally(() => socket.destroy())
    } catch (error) {
      throw outboundErrorFrom(`${host}:${port}`, error, deadline)
    }
  }

  return {
    request,
    stream,
    requestStatus,
    connect,
    close: async () => {
      isClosed = true
      await pools.close()
    },
  }
}

type GuardedRequest = Pick<OutboundRequest, 'reach' | 'exceptions' | 'allow' | 'deny' | 'tls'>

function firstHop(text: string, request: Pick<OutboundRequest, 'method' | 'headers' | 'body'>, encoding: string): Hop {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new OutboundError('protocol', 'the address is not an http or https URL')
  }
  const problem = headerProblem(request.headers)
  if (problem) throw new OutboundError('blocked', `request to ${url.host} blocked: ${problem}`)
  const { authorization, bare } = extractCredentials(url)
  const headers = { 'user-agent': 'mcp-roster', ...authorization, ...callerHeaders(request.headers) }
  const { method = 'GET', body } = request
  return {
    url: bare,
    method,
    headers: { ...headers, 'accept-encoding': encoding },
    ...(body === undefined ? {} : { body }),
  }
}

function wireRequest({ url, method, headers, body }: Hop) {
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  }
}

function isReset(error: unknown): boolean {
  return ['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE'].includes(errorCode(error) ?? '')
}
