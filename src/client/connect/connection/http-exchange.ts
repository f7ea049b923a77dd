import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { createAnswerMeter, isEventStream, limitAnswer } from './answer-limit.ts'

/** What was seen of the request of one exchange: whether it left decides whether it may be sent again. */
export type ExchangeTrace = {
  /** The transport was asked to send it. */
  started: boolean
  /** The HTTP client took the request and would report its sending. */
  observed: boolean
  sent: boolean
  status?: number
  retryAfterMs?: number
  /** The answer comes in a stream of events. */
  isStream?: boolean
  /** Aborts when the exchange is cut; its requests follow. The SDK does not abort those of the older protocol. */
  readonly signal: AbortSignal
  readonly abort: (reason?: unknown) => void
  /** Why reading the answer was given up. */
  exceeded?: string
  /** Sees each chunk of the answer as it came over the network, where Node reports them. */
  onChunk?: (chunk: Uint8Array) => void
  /** Called when what was to carry the answer has ended; the answer may just have come. */
  onEnd?: () => void
}

const traces = new AsyncLocalStorage<ExchangeTrace>()
const traceOfRequest = new WeakMap<object, ExchangeTrace>()
let isObserving = false
/** Whether this Node reports the chunks of an answer; it is known once it has done so. Node 20 does not. */
let reportsChunks = false

/**
 * Node's `fetch` reports each request when it is made and when its head is written. A request that was made in another context
 * (a pool that queued it) is not recognised: it counts as possibly sent.
 */
function observeRequests(): void {
  if (isObserving) return
  isObserving = true
  subscribe('undici:request:create', (message) => {
    const trace = traces.getStore()
    if (!trace) return
    trace.observed = true
    traceOfRequest.set((message as { request: object }).request, trace)
  })
  subscribe('undici:client:sendHeaders', (message) => {
    const trace = traceOfRequest.get((message as { request: object }).request)
    if (trace) trace.sent = true
  })
  subscribe('undici:request:bodyChunkReceived', (message) => {
    reportsChunks = true
    const { request, chunk } = message as { request: object; chunk: Uint8Array }
    traceOfRequest.get(request)?.onChunk?.(chunk)
  })
}

/** Runs one exchange; what it sends through a traced `fetch` or transport is noted in `trace`. */
export function runTraced<T>(trace: ExchangeTrace, work: () => Promise<T>): Promise<T> {
  return traces.run(trace, work)
}

export function createTrace(): ExchangeTrace {
  const controller = new AbortController()
  const abort = (reason?: unknown) => controller.abort(reason)
  return { started: false, observed: false, sent: false, signal: controller.signal, abort }
}

/** Whether the request may have reached the server. */
export const mayHaveLeft = ({ started, observed, sent }: ExchangeTrace): boolean => started && (sent || !observed)

/** The `fetch` for the transports of one server: notes in the trace of the exchange what happens to its POST. */
export function createTracedFetch(
  endpoint: URL,
  { kind, maxAnswerBytes }: { readonly kind: TransportKind; readonly maxAnswerBytes: number },
): typeof fetch {
  observeRequests()
  // The transport of the older streams takes no signal of a request.
  const isFollowing = kind === 'http'
  // The transport passes its own address as it was given: that one is not parsed again.
  const isCall = (url: string | URL | Request, init?: RequestInit) =>
    init?.method === 'POST' &&
    (url === endpoint || new URL(url instanceof Request ? url.url : url).origin === endpoint.origin)

  return async (url, init) => {
    const trace = traces.getStore()
    // The exchange of tokens and the reopening of a stream say nothing of the call.
    if (!trace || !isCall(url, init))
      return limitAnswer(await traces.exit(() => fetch(url, init)), { maxBytes: maxAnswerBytes })
    trace.started = true
    trace.observed = false
    trace.sent = false
    const response = await fetch(url, isFollowing ? init : { ...init, signal: followBoth(trace.signal, init?.signal) })
    trace.status = response.status
    trace.isStream = isEventStream(response)
    const retryAfterMs = response.ok ? undefined : retryAfterOf(response.headers.get('retry-after'))
    if (retryAfterMs !== undefined) trace.retryAfterMs = retryAfterMs
    const limits = { maxBytes: maxAnswerBytes, onExceeded: (reason: string) => void (trace.exceeded = reason) }
    // Counting what Node reports costs less than a stream of our own. A compressed answer is counted when it is decoded.
    if (!reportsChunks || !trace.observed || response.headers.has('content-encoding'))
      return limitAnswer(response, limits)
    trace.onChunk = createAnswerMeter(limits, { isStream: trace.isStream, cut: trace.abort })
    return response
  }
}

const followBoth = (signal: AbortSignal, other: AbortSignal | null | undefined) =>
  other ? AbortSignal.any([signal, other]) : signal

type SendOptions = { readonly requestSignal?: AbortSignal; readonly onRequestStreamEnd?: (() => void) | undefined }
type Sendable = { send: (message: never, options?: never) => Promise<void> }

/** `pipe`: a command. `sse`: answers come in a stream of their own. `http`: each request has its answer. */
export type TransportKind = 'pipe' | 'sse' | 'http'

/**
 * Lets a transport tell the trace of an exchange when nothing more can come: the SDK itself would wait for the answer until its timeout. A
 * pipe counts as having sent.
 */
export function traceTransport(transport: Sendable, kind: TransportKind): void {
  const send = transport.send.bind(transport) as (message: unknown, options?: SendOptions) => Promise<void>
  transport.send = async (message: unknown, options?: SendOptions) => {
    const trace = traces.getStore()
    // A notification, as of a cancelled call, says nothing of the call itself.
    if (!trace || !isRequest(message)) return traces.exit(() => send(message, options))
    if (kind === 'pipe') trace.started = trace.sent = true
    const requestSignal = options?.requestSignal ?? trace.signal
    await send(message, { onRequestStreamEnd: trace.onEnd, ...options, requestSignal })
    if (kind === 'http' && !trace.isStream) trace.onEnd?.()
  }
}

const isRequest = (message: unknown) =>
  typeof message === 'object' && message !== null && 'id' in message && 'method' in message

/** Milliseconds of a `Retry-After` in seconds or as a date; undefined for any other text. */
function retryAfterOf(text: string | null): number | undefined {
  if (text === null) return undefined
  const seconds = Number(text)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - Date.now()
  return Number.isNaN(ms) ? undefined : Math.max(0, ms)
}
