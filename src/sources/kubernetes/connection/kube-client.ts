import { setTimeout as pause } from 'node:timers/promises'
import { Agent, buildConnector, type Dispatcher, request } from 'undici'
import type { Tuning } from '../tuning.ts'
import type { KubeCredentials, KubeTls } from './credentials.ts'
import { KubeApiError, toSourceError, errorForStatus } from './kube-api-error.ts'

type Query = Readonly<Record<string, string>>

/** The requests that are made, all reading. */
export type KubeClient = {
  /** The whole JSON answer of one GET; rejects with an `ApiError`. */
  readonly get: (path: string, query: Query, what: string, signal: AbortSignal) => Promise<unknown>
  /** The bytes of an answer that goes on and on; rejects, or throws later, with an `ApiError`. */
  readonly stream: (path: string, query: Query, what: string, signal: AbortSignal) => Promise<AsyncIterable<Buffer>>
  /** They were turned away. */
  readonly refreshCredentials: () => void
  /** Drops every connection: what is under way on them fails, what follows gets new ones. */
  readonly reset: () => void
  /** Whether requests share their connection (HTTP/2), so that one answer speaks for all of them. */
  readonly isMultiplexed: () => boolean
  readonly close: () => Promise<void>
}

/** Talks to one API server over one pool of connections, which is made anew when its certificates change. */
export function createKubeClient({ identity, habits }: { identity: KubeCredentials; habits: Tuning }): KubeClient {
  let pool: { readonly dispatcher: Dispatcher; readonly tls: string } | undefined
  /** A way through a proxy, as the identity made it. */
  let borrowed: Dispatcher | undefined
  let alpn: string | false | null = false

  function open(tls: KubeTls): Agent {
    const options = {
      ...tls,
      keepAlive: true,
      keepAliveInitialDelay: habits.keepAliveDelayMs,
      timeout: habits.connectTimeoutMs,
    }
    const connect = buildConnector({ ...options, allowH2: true, preferH2: true })
    return new Agent({
      allowH2: true,
      headersTimeout: habits.listTimeoutMs,
      bodyTimeout: 0,
      connect: (target, done) =>
        connect(target, (...outcome) => {
          const [, socket] = outcome
          if (socket && 'alpnProtocol' in socket) alpn = socket.alpnProtocol
          done(...outcome)
        }),
    })
  }

  async function reach(): Promise<{ dispatcher: Dispatcher; headers: Readonly<Record<string, string>> }> {
    const { headers, tls, dispatcher } = await identity.current()
    if (dispatcher) {
      if (dispatcher !== borrowed) void borrowed?.close().catch(() => {})
      borrowed = dispatcher
      return { dispatcher, headers }
    }
    const material = JSON.stringify(tls)
    if (pool?.tls !== material) {
      // Watches on the old connections go on until they end by themselves.
      void pool?.dispatcher.close().catch(() => {})
      pool = { dispatcher: open(tls), tls: material }
    }
    return { dispatcher: pool.dispatcher, headers }
  }

  async function send(path: string, query: Query, what: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { dispatcher, headers } = await reach()
    const url = `${identity.server}${path}?${new URLSearchParams(query).toString()}`
    const answer = await request(url, {
      dispatcher,
      signal,
      headers: { ...headers, accept: 'application/json', 'user-agent': 'mcp-roster' },
    })
    if (answer.statusCode === 200) return answer
    answer.body.on('error', () => {}) // what it says is not read, so neither is how it ends
    void answer.body.dump({ limit: 65_536 }).catch(() => {})
    throw errorForStatus(answer.statusCode, what, String(answer.headers['retry-after'] ?? ''))
  }

  async function get(path: string, query: Query, what: string, signal: AbortSignal): Promise<unknown> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(habits.listTimeoutMs)])
    try {
      const { body } = await send(path, query, what, within)
      const chunks: Buffer[] = []
      let size = 0
      for await (const chunk of body as AsyncIterable<Buffer>) {
        chunks.push(chunk)
        size += chunk.length
        if (size > habits.maxPageBytes)
          throw new KubeApiError('broken', `${what}: a page is larger than ${habits.maxPageBytes} bytes`)
      }
      return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
    } catch (error) {
      if (error instanceof SyntaxError) throw new KubeApiError('broken', `${what}: the API server's answer is no JSON`)
      throw toSourceError(error, what)
    }
  }

  async function stream(path: string, query: Query, what: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), habits.listTimeoutMs)
    try {
      const { body } = await send(path, query, what, AbortSignal.any([signal, late.signal]))
      return told(body as AsyncIterable<Buffer>, what)
    } catch (error) {
      throw toSourceError(error, what)
    } finally {
      clearTimeout(timer)
    }
  }

  async function destroy(reason: Error | null): Promise<void> {
    await Promise.allSettled([pool?.dispatcher.destroy(reason), borrowed?.destroy(reason)])
  }

  function reset(): void {
    void destroy(new KubeApiError('broken', 'the API server stopped answering'))
    if (borrowed) identity.refresh()
    pool = undefined
    borrowed = undefined
  }

  return {
    get,
    stream,
    refreshCredentials: identity.refresh,
    reset,
    isMultiplexed: () => alpn === 'h2',
    close: async () => {
      const patience = new AbortController()
      await Promise.race([destroy(null), pause(1000, undefined, { signal: patience.signal }).catch(() => {})])
      patience.abort()
    },
  }
}

async function* told(body: AsyncIterable<Buffer>, what: string): AsyncGenerator<Buffer> {
  try {
    yield* body
  } catch (error) {
    throw toSourceError(error, what)
  }
}
