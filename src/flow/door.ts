import { lookup as systemLookup } from 'node:dns'
import { connect as connectSocket } from 'node:net'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Dispatcher } from 'undici'
import type { Reach } from '../model/change.ts'
import type { Reason } from '../model/health.ts'
import { createGuard } from './address.ts'
import { createDeadline, type Deadline } from './deadline.ts'
import { credentialsOf, type Hop, ownHeaders, sendable, towards } from './hop.ts'
import { createNames } from './names.ts'
import { checkLiteral, createPools, guardedLookup, type Lookup, type Tls } from './pools.ts'
import { Blocked, codeOf, reasonOf } from './reasons.ts'

/** One exchange with the outside. Every limit is of the whole exchange, redirects included. */
export type DoorRequest = {
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

export type DoorAnswer = {
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The address that answered in the end. */
  readonly url: string
}

/** A read that may last: no limit of size or time as a whole, but one of silence. Never follows a redirect. */
export type DoorStreamRequest = Omit<DoorRequest, 'maxBytes' | 'maxRedirects' | 'timeoutMs'> & {
  /** Until the head of the answer is there. */
  readonly timeoutMs: number
  /** The longest silence between two pieces of the body. */
  readonly idleMs: number
}

export type DoorStream = Omit<DoorAnswer, 'body'> & {
  /** The body as it comes, not encoded; throws a `DoorError` where it breaks off. To be read once. */
  readonly body: AsyncIterable<Buffer>
  /** Lets go of the connection, at any time. */
  readonly close: () => void
}

/** Why an exchange failed. Names the reason and the host; never anything of a body, a header or a URL's secrets. */
export class DoorError extends Error {
  override name = 'DoorError'
  readonly reason: Reason

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

export type Door = {
  /** Exchanges one request for one whole answer; rejects with a `DoorError`. */
  readonly request: (url: string, request: DoorRequest) => Promise<DoorAnswer>
  /** Opens an answer that is read as it comes; rejects with a `DoorError`. */
  readonly stream: (url: string, request: DoorStreamRequest) => Promise<DoorStream>
  /** Whether a TCP connection can be made; rejects with a `DoorError`. */
  readonly connect: (
    host: string,
    port: number,
    request: Pick<DoorRequest, 'reach' | 'allow' | 'deny' | 'timeoutMs' | 'signal'>,
  ) => Promise<void>
  readonly close: () => Promise<void>
}

type Answer = { status: number; headers: Record<string, string>; body: Dispatcher.ResponseData['body'] }

const decode = promisify(gunzip)

/**
 * Opens the one door to the outside. Whatever goes out goes through it, and only where it may.
 *
 * The address checked is the one connected to, whether it was written in the URL or looked up.
 */
export function openDoor({
  lookup: ask = (hostname, options, callback) => systemLookup(hostname, options, callback),
}: { lookup?: Lookup } = {}): Door {
  const lookup = createNames({ lookup: ask })
  const pools = createPools({ lookup })
  let closed = false

  async function open(hop: Hop, request: Policed, deadline: Deadline): Promise<Answer> {
    if (closed) throw new DoorError('refused', 'the door is closed: the daemon is stopping')
    using count = pools.counting(hop.url.origin)
    const client = await pools.poolFor(request)
    const exchange = async () => client.request({ ...wire(hop), signal: deadline.signal })
    try {
      return answerOf(await exchange())
    } catch (error) {
      // The other side may close an idle connection at the very moment it is used again; only then is once more fair.
      const stale = hop.method === 'GET' && isReset(error) && count.connections() === 0
      if (!stale || deadline.signal.aborted) throw error
      return answerOf(await exchange())
    }
  }

  async function request(text: string, request: DoorRequest): Promise<DoorAnswer> {
    let hop = firstHop(text, request, 'gzip')
    using deadline = createDeadline(request.timeoutMs, request.signal)
    try {
      for (let followed = 0; ; followed++) {
        const answer = await open(hop, request, deadline)
        const next = request.maxRedirects ? towards(hop, answer) : undefined
        if (!next) return { ...answer, url: hop.url.href, body: await whole(answer, hop, request.maxBytes) }
        answer.body.destroy()
        if (followed >= (request.maxRedirects ?? 0)) throw new Blocked('it redirects too often')
        hop = next
      }
    } catch (error) {
      throw failure(hop.url.host, error, deadline)
    }
  }

  async function stream(text: string, request: DoorStreamRequest): Promise<DoorStream> {
    const hop = firstHop(text, request, 'identity')
    const deadline = createDeadline(request.timeoutMs, request.signal)
    try {
      const answer = await open(hop, request, deadline)
      deadline.restart(request.idleMs)
      const close = () => {
        deadline[Symbol.dispose]()
        answer.body.destroy()
      }
      return { ...answer, url: hop.url.href, body: pieces(answer, hop, deadline, request.idleMs, close), close }
    } catch (error) {
      deadline[Symbol.dispose]()
      throw failure(hop.url.host, error, deadline)
    }
  }

  async function connect(host: string, port: number, request: Parameters<Door['connect']>[2]): Promise<void> {
    using deadline = createDeadline(request.timeoutMs, request.signal)
    const bare = host.replace(/^\[|\]$/g, '')
    try {
      if (closed) throw new DoorError('refused', 'the door is closed: the daemon is stopping')
      deadline.signal.throwIfAborted()
      const guard = createGuard(request)
      const refused = checkLiteral(bare, guard)
      if (refused) throw refused
      const socket = connectSocket({ host: bare, port, autoSelectFamily: true, lookup: guardedLookup(guard, lookup) })
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve).once('error', reject)
        deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason as Error), { once: true })
      }).finally(() => socket.destroy())
    } catch (error) {
      throw failure(`${host}:${port}`, error, deadline)
    }
  }

  return {
    request,
    stream,
    connect,
    close: async () => {
      closed = true
      await pools.close()
    },
  }
}

type Policed = Pick<DoorRequest, 'reach' | 'allow' | 'deny' | 'tls'>

function firstHop(text: string, request: Omit<DoorRequest, 'maxBytes'>, encoding: string): Hop {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new DoorError('protocol', 'the address is no URL of http or https')
  }
  const problem = sendable(request.headers)
  if (problem) throw new DoorError('blocked', `${url.host} is not called: ${problem}`)
  const { authorization, bare } = credentialsOf(url)
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

function answerOf({ statusCode, headers, body }: Dispatcher.ResponseData): Answer {
  // Whoever waits hears of an error by its promise; without a listener the event would end the process.
  body.on('error', () => undefined)
  const flat = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value])
  return { status: statusCode, headers: Object.fromEntries(flat) as Record<string, string>, body }
}

/** The whole body, decoded: cut off as soon as it is larger than it may be, on the wire or once unpacked. */
async function whole({ headers, body }: Answer, { method }: Hop, maxBytes: number): Promise<Buffer> {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  try {
    if (!['', 'identity', 'gzip', 'x-gzip'].includes(encoding))
      throw new Broken('it answers in an encoding not asked for')
    if (method !== 'HEAD' && Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of body) {
      length += (chunk as Buffer).length
      if (length > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk as Buffer)
    }
    const wire = Buffer.concat(chunks)
    return encoding.endsWith('gzip') && length > 0 ? await unpacked(wire, maxBytes) : wire
  } finally {
    body.destroy()
  }
}

async function unpacked(wire: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await decode(wire, { maxOutputLength: maxBytes })
  } catch (error) {
    throw codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : new Broken('its gzip is damaged')
  }
}

async function* pieces({ headers, body }: Answer, { url }: Hop, deadline: Deadline, idleMs: number, close: () => void) {
  try {
    if (!['', 'identity'].includes((headers['content-encoding'] ?? '').trim().toLowerCase())) {
      throw new Broken('it answers in an encoding not asked for')
    }
    for await (const chunk of body) {
      deadline.pause()
      yield chunk as Buffer
      deadline.restart(idleMs)
    }
  } catch (error) {
    throw failure(url.host, error, deadline)
  } finally {
    close()
  }
}

/** Says of itself, without a word of the answer, what was wrong with the answer. */
class Broken extends Error {
  override name = 'Broken'
}

function tooLarge(maxBytes: number): Broken {
  return new Broken(`its answer is larger than ${maxBytes} bytes`)
}

function isReset(error: unknown): boolean {
  return ['ECONNRESET', 'UND_ERR_SOCKET', 'EPIPE'].includes(codeOf(error) ?? '')
}

const phrases: Partial<Record<Reason, string>> = {
  dns: 'its name cannot be resolved',
  refused: 'it refuses the connection',
  timeout: 'it does not answer in time',
  tls: 'its certificate or TLS is not accepted',
  protocol: 'it does not speak HTTP properly',
}

/** Only words of our own and the error's code: the error itself may hold a piece of the answer. */
function failure(host: string, error: unknown, { signal }: Deadline): DoorError {
  if (error instanceof DoorError) return error
  if (signal.aborted) return new DoorError('timeout', `${host} could not be reached: ${phrases.timeout}`)
  if (error instanceof Blocked) return new DoorError('blocked', `${host} is not called: ${error.message}`)
  if (error instanceof Broken) return new DoorError('protocol', `${host} could not be read: ${error.message}`)
  const reason = reasonOf(error)
  const code = codeOf(error)
  return new DoorError(reason, `${host} could not be reached: ${phrases[reason] ?? reason}${code ? ` (${code})` : ''}`)
}
