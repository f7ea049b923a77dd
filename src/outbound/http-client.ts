import { lookup as systemLookup } from 'node:dns'
import { connect as connectSocket } from 'node:net'
import { createDeadline, type Deadline } from '../flow/deadline.ts'
import type { Reach } from '../model/change.ts'
import { checkLiteral, createPools, guardedLookup, type HostLookup, type Tls } from './connection-pools.ts'
import { type ResponseHead, dispatch } from './dispatch.ts'
import { createDnsLookup } from './dns-lookup.ts'
import { Blocked, codeOf } from './error-reasons.ts'
import { OutboundError, outboundErrorFrom } from './outbound-error.ts'
import { drain, readPieces, readWhole } from './read-body.ts'
import { credentialHeaders, type Hop, ownHeaders, sendable, towards } from './redirects.ts'

/** One exchange with the outside. Every limit is of the whole exchange, redirects included. */
export type OutboundRequest = {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Which addresses may be called: `any` but metadata and link-local, or `private` (never loopback either). */
  readonly reach: Reach
  /** Narrower still: only these networks, never those (CIDRs). */
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly timeoutMs: number
  /** The cap of the body on the wire, and again once decoded. */
  readonly maxBytes: number
  /** How many redirects may be followed, each checked like the first address; credentials are dropped across origins. Default 0. */
  readonly maxRedirects?: number
  readonly tls?: Tls
  readonly signal?: AbortSignal
}

export type OutboundResponse = {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The address that answered in the end. */
  readonly url: string
}

/** A read that may last: no limit of size or time as a whole, but one of silence. Never follows a redirect. */
export type OutboundStreamRequest = Omit<OutboundRequest, 'maxBytes' | 'maxRedirects' | 'timeoutMs'> & {
  /** Until the head of the answer is there. */
  readonly timeoutMs: number
  /** The longest silence between two pieces of the body. */
  readonly idleMs: number
}

export type OutboundStream = Omit<OutboundResponse, 'body'> & {
  /** The body as it comes, not encoded; throws a `DoorError` where it breaks off. To be read once. */
  readonly body: AsyncIterable<Buffer>
  /** Lets go of the connection, at any time. */
  readonly close: () => void
}

/** A look at the head of an answer. Never follows a redirect. */
export type OutboundLookup = Omit<OutboundRequest, 'maxRedirects'> & {
  /** How long it waits for a body of up to `maxBytes`, so that a short one is not torn off. */
  readonly courtesyMs: number
}

export type HttpClient = {
  /** Exchanges one request for one whole answer; rejects with a `DoorError`. */
  readonly request: (url: string, request: OutboundRequest) => Promise<OutboundResponse>
  /** Opens an answer that is read as it comes; rejects with a `DoorError`. */
  readonly stream: (url: string, request: OutboundStreamRequest) => Promise<OutboundStream>
  /** The status of an answer, whatever its body; rejects with a `DoorError`. */
  readonly look: (url: string, request: OutboundLookup) => Promise<number>
  /** Whether a TCP connection can be made; rejects with a `DoorError`. */
  readonly connect: (
    host: string,
    port: number,
    request: Pick<OutboundRequest, 'reach' | 'allow' | 'deny' | 'timeoutMs' | 'signal'>,
  ) => Promise<void>
  readonly close: () => Promise<void>
}

/**
 * Opens the one door to the outside. Whatever goes out goes through it, and only where it may.
 *
 * The address checked is the one connected to, whether it was written in the URL or looked up.
 */
export function openHttpClient({
  lookup: ask = (hostname, options, callback) => systemLookup(hostname, options, callback),
}: { lookup?: HostLookup } = {}): HttpClient {
  const lookup = createDnsLookup({ lookup: ask })
  const pools = createPools({ lookup })
  let closed = false

  async function open(hop: Hop, request: Policed, deadline: Deadline): Promise<ResponseHead> {
    if (closed) throw new OutboundError('refused', 'the door is closed: the daemon is stopping')
    using count = pools.counting(hop.url.origin)
    const agent = await pools.poolFor(request)
    const off = deadline.over()
    if (off) throw off
    try {
      return await dispatch(agent, wire(hop), deadline)
    } catch (error) {
      // The other side may close an idle connection at the very moment it is used again; only then is once more fair.
      const stale = hop.method === 'GET' && isReset(error) && count.connections() === 0
      if (!stale || deadline.over()) throw error
      return await dispatch(agent, wire(hop), deadline)
    }
  }

  async function request(text: string, request: OutboundRequest): Promise<OutboundResponse> {
    let hop = firstHop(text, request, 'gzip')
    using deadline = createDeadline(request.timeoutMs, request.signal)
    try {
      for (let followed = 0; ; followed++) {
        const answer = await open(hop, request, deadline)
        const next = request.maxRedirects ? towards(hop, answer) : undefined
        if (!next) return { ...answer, url: hop.url.href, body: await readWhole(answer, hop, request.maxBytes) }
        answer.body.drop()
        if (followed >= (request.maxRedirects ?? 0)) throw new Blocked('it redirects too often')
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
      const answer = await open(hop, request, deadline)
      deadline.restart(request.idleMs)
      const close = () => {
        deadline[Symbol.dispose]()
        answer.body.drop()
      }
      return { ...answer, url: hop.url.href, body: readPieces(answer, hop, deadline, request.idleMs, close), close }
    } catch (error) {
      deadline[Symbol.dispose]()
      throw outboundErrorFrom(hop.url.host, error, deadline)
    }
  }

  async function look(text: string, request: OutboundLookup): Promise<number> {
    const hop = firstHop(text, request, 'identity')
    using deadline = createDeadline(request.timeoutMs, request.signal)
    try {
      const { status, body } = await open(hop, request, deadline)
      await drain(body, deadline, { ms: request.courtesyMs, most: request.maxBytes })
      return status
    } catch (error) {
      throw outboundErrorFrom(hop.url.host, error, deadline)
    }
  }

  async function connect(host: string, port: number, request: Parameters<HttpClient['connect']>[2]): Promise<void> {
    using deadline = createDeadline(request.timeoutMs, request.signal)
    const bare = host.replace(/^\[|\]$/g, '')
    try {
      if (closed) throw new OutboundError('refused', 'the door is closed: the daemon is stopping')
      const off = deadline.over()
      if (off) throw off
      const guard = pools.guardFor(request)
      const refused = checkLiteral(bare, guard)
      if (refused) throw refused
      const socket = connectSocket({ host: bare, port, autoSelectFamily: true, lookup: guardedLookup(guard, lookup) })
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve).once('error', reject)
        deadline.onOver(reject)
      }).finally(() => socket.destroy())
    } catch (error) {
      throw outboundErrorFrom(`${host}:${port}`, error, deadline)
    }
  }

  return {
    request,
    stream,
    look,
    connect,
    close: async () => {
      closed = true
      await pools.close()
    },
  }
}

type Policed = Pick<OutboundRequest, 'reach' | 'allow' | 'deny' | 'tls'>

function firstHop(text: string, request: Pick<OutboundRequest, 'method' | 'headers' | 'body'>, encoding: string): Hop {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new OutboundError('protocol', 'the address is no URL of http or https')
  }
  const problem = sendable(request.headers)
  if (problem) throw new OutboundError('blocked', `${url.host} is not called: ${problem}`)
  const { authorization, bare } = credentialHeaders(url)
  const headers = { 'user-agent': 'mcp-roster', ...authorization, ...ownHeaders(request.headers) }
  const { method = 'GET', body } = request
  return {
    url: bare,
    method,
    headers: { ...headers, 'accept-encoding': encoding },
    ...(body === undefined ? {} : { body }),
  }
}

function wire({ url, method, headers, body }: Hop) {
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  }
}

function isReset(error: unknown): boolean {
  return ['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE'].includes(codeOf(error) ?? '')
}
