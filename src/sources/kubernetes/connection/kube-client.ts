import { setTimeout as pause } from 'node:timers/promises'
import { Agent, buildConnector, type Dispatcher, request } from 'undici'
import type { KubeTuning } from '../tuning.ts'
import type { KubeCredentials, KubeTls } from './credentials.ts'
import { errorForStatus, KubeApiError, toSourceError } from './kube-api-error.ts'

type Query = Readonly<Record<string, string>>

/** Bytes of an error response that are read, so that its connection can be reused. */
const maxDiscardedBytes = 65_536
/** Deadline of `close`. */
const maxCloseMs = 1000

/** A read-only client of one API server. `action` names the request in errors, such as `list services in prod`. */
export type KubeClient = {
  /** The complete JSON response of one GET; rejects with a `SourceError`. */
  readonly get: (path: string, query: Query, action: string, signal: AbortSignal) => Promise<unknown>
  /** The bytes of a long-lived response; rejects, or throws while it is read, with a `SourceError`. */
  readonly stream: (path: string, query: Query, action: string, signal: AbortSignal) => Promise<AsyncIterable<Buffer>>
  /** Discards cached credentials, because the server rejected them. */
  readonly refreshCredentials: () => void
  /** Drops every connection: requests in flight fail, and later ones open new connections. */
  readonly reset: () => void
  /** Whether requests share one connection (HTTP/2), so that one response proves it alive for all. */
  readonly isMultiplexed: () => boolean
  readonly close: () => Promise<void>
}

/** Opens a client with one connection pool, which is replaced when the TLS material changes. */
export function createKubeClient({
  credentials,
  tuning,
}: {
  credentials: KubeCredentials
  tuning: KubeTuning
}): KubeClient {
  let pool: { readonly dispatcher: Dispatcher; readonly tls: string } | undefined
  /** Tunnels through a proxy; made by the credentials. */
  let proxyDispatcher: Dispatcher | undefined
  let alpn: string | false | null = false

  function openAgent(tls: KubeTls): Agent {
    const connect = buildConnector({
      ...tls,
      keepAlive: true,
      keepAliveInitialDelay: tuning.keepAliveDelayMs,
      timeout: tuning.connectTimeoutMs,
      allowH2: true,
      preferH2: true,
    })
    return new Agent({
      allowH2: true,
      headersTimeout: tuning.listTimeoutMs,
      bodyTimeout: 0,
      connect: (target, done) =>
        connect(target, (...outcome) => {
          const [, socket] = outcome
          if (socket && 'alpnProtocol' in socket) alpn = socket.alpnProtocol
          done(...outcome)
        }),
    })
  }

  async function authenticate(): Promise<{ dispatcher: Dispatcher; headers: Readonly<Record<string, string>> }> {
    const { headers, tls, dispatcher } = await credentials.current()
    if (dispatcher) {
      if (dispatcher !== proxyDispatcher) void proxyDispatcher?.close().catch(() => {})
      proxyDispatcher = dispatcher
      return { dispatcher, headers }
    }
    const material = JSON.stringify(tls)
    if (pool?.tls !== material) {
      // Watches on the old connections continue until they end.
      void pool?.dispatcher.close().catch(() => {})
      pool = { dispatcher: openAgent(tls), tls: material }
    }
    return { dispatcher: pool.dispatcher, headers }
  }

  async function send(
    path: string,
    query: Query,
    action: string,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { dispatcher, headers } = await authenticate()
    const url = `${credentials.server}${path}?${new URLSearchParams(query).toString()}`
    const response = await request(url, {
      dispatcher,
      signal,
      headers: { ...headers, accept: 'application/json', 'user-agent': 'mcp-roster' },
    })
    if (response.statusCode === 200) return response
    response.body.on('error', () => {}) // the status is the error; the body is discarded
    void response.body.dump({ limit: maxDiscardedBytes }).catch(() => {})
    throw errorForStatus(response.statusCode, action, String(response.headers['retry-after'] ?? ''))
  }

  async function get(path: string, query: Query, action: string, signal: AbortSignal): Promise<unknown> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(tuning.listTimeoutMs)])
    try {
      const { body } = await send(path, query, action, within)
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of body as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        size += chunk.length
        if (size > tuning.maxPageBytes)
          throw new KubeApiError('unavailable', `${action}: response larger than ${tuning.maxPageBytes} bytes`)
      }
      return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
    } catch (error) {
      if (error instanceof SyntaxError)
        throw new KubeApiError('unavailable', `${action}: the API server's response is not JSON`)
      throw toSourceError(error, action)
    }
  }

  async function stream(
    path: string,
    query: Query,
    action: string,
    signal: AbortSignal,
  ): Promise<AsyncIterable<Buffer>> {
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), tuning.listTimeoutMs)
    try {
      const { body } = await send(path, query, action, AbortSignal.any([signal, deadline.signal]))
      return withSourceErrors(body as AsyncIterable<Buffer>, action)
    } catch (error) {
      throw toSourceError(error, action)
    } finally {
      clearTimeout(timer)
    }
  }

  async function destroy(reason: Error | null): Promise<void> {
    await Promise.allSettled([pool?.dispatcher.destroy(reason), proxyDispatcher?.destroy(reason)])
  }

  function reset(): void {
    void destroy(new KubeApiError('unavailable', 'the API server stopped responding'))
    if (proxyDispatcher) credentials.refresh()
    pool = undefined
    proxyDispatcher = undefined
  }

  async function close(): Promise<void> {
    const deadline = new AbortController()
    await Promise.race([destroy(null), pause(maxCloseMs, undefined, { signal: deadline.signal }).catch(() => {})])
    deadline.abort()
  }

  return {
    get,
    stream,
    refreshCredentials: credentials.refresh,
    reset,
    isMultiplexed: () => alpn === 'h2',
    close,
  }
}

async function* withSourceErrors(body: AsyncIterable<Buffer>, action: string): AsyncGenerator<Buffer> {
  try {
    yield* body
  } catch (error) {
    throw toSourceError(error, action)
  }
}
