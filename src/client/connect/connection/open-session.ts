import type {
  CallToolResult,
  Client,
  Implementation,
  PriorDiscovery,
  ProgressCallback,
  SubscriptionFilter,
  Tool,
} from '@modelcontextprotocol/client'
import { type Cancellation, createCancellation, createWatchdog } from '../../roster/cancellation.ts'
import { classifyFailure, type Cut, ExchangeError } from './failure.ts'
import { createTracedFetch, createTrace, runTraced, traceTransport } from './http-exchange.ts'
import type { Target } from './target.ts'

/** Maximum bytes of one answer. */
const maxAnswerBytes = 64 * 1024 * 1024
/** Maximum time to end a session with its server, in ms. */
const farewellMs = 2000

export type SessionOptions = {
  /** What is known of the server's protocol; without it the SDK asks. */
  readonly prior: PriorDiscovery | undefined
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly clientInfo: Implementation
  /** The transport reports an error; the server may be gone. */
  readonly onDoubt: () => void
  /** The connection is closed by the other side. */
  readonly onClose: () => void
  readonly onToolsChanged: () => void
  /** Adds handlers before anything is sent: what the server may ask its client. */
  readonly prepare?: (client: Client) => void
  /** What the stream of notifications carries; default: changes of the tool list. */
  readonly subscriptions?: SubscriptionFilter
}

type Limits = { readonly signal: AbortSignal; readonly timeoutMs: number }
export type CallLimits = Limits & { readonly onProgress?: ProgressCallback | undefined }
export type Session = Awaited<ReturnType<typeof openSession>>

/**
 * Opens a session with one server.
 *
 * @throws {ExchangeError} It could not be opened.
 */
export async function openSession(target: Target, options: SessionOptions) {
  const { prior, timeoutMs, signal, clientInfo, onDoubt, onClose, onToolsChanged, prepare } = options
  const { subscriptions = { toolsListChanged: true } } = options
  const { Client } = await import('@modelcontextprotocol/client')
  const client = new Client(clientInfo, { versionNegotiation: { mode: 'auto' } })
  const transport = await createTransport(target)
  let isClosed = false
  const closing = new AbortController()
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK has these properties only
  client.onerror = () => void (isClosed || onDoubt())
  client.setNotificationHandler('notifications/tools/list_changed', onToolsChanged)
  prepare?.(client)
  const hasSession = () => 'sessionId' in transport && transport.sessionId !== undefined

  /** Runs one request of the SDK within its limits; throws an `ExchangeError`, or the reason of `signal`. */
  async function exchange<T>(
    work: (signal: AbortSignal, extend: () => void) => Promise<T>,
    limits: Limits,
    onCut?: () => void,
  ): Promise<T> {
    const trace = createTrace()
    let cut: Cut
    let isSettled = false
    using cancellation = createCancellation(limits.signal)
    const cutShort = (why: Cut) => {
      cut ??= why
      cancellation.cancel(new Error(`exchange cut: ${why}`))
      onCut?.()
    }
    const onClosing = () => cutShort('closed')
    closing.signal.addEventListener('abort', onClosing, { once: true })
    // An answer that has just come is still on its way through the SDK. Connecting takes several requests.
    if (!onCut) trace.onEnd = () => void setImmediate(() => isSettled || cutShort('no_answer'))
    using watchdog = createWatchdog(limits.timeoutMs, () => cutShort('timeout'))
    try {
      limits.signal.throwIfAborted()
      return await runTraced(trace, () => settledBy(cancellation, work(cancellation.signal, watchdog.reset)))
    } catch (error) {
      limits.signal.throwIfAborted()
      throw new ExchangeError(classifyFailure(error, { trace, cut, hasSession: hasSession(), scrub: target.scrub }))
    } finally {
      isSettled = true
      watchdog.stop()
      closing.signal.removeEventListener('abort', onClosing)
    }
  }

  async function close({ terminate = true } = {}): Promise<void> {
    if (isClosed) return
    isClosed = true
    closing.abort()
    if (terminate && 'terminateSession' in transport && hasSession()) {
      using watchdog = createWatchdog(farewellMs, () => void transport.close())
      // A server that is gone cannot be told.
      await transport.terminateSession().catch(() => undefined)
      watchdog.stop()
    }
    await client.close().catch(() => undefined)
    await transport.close().catch(() => undefined)
  }

  try {
    // The SDK ignores a signal while it asks for the protocol; closing the transport ends that too.
    const connect = (inner: AbortSignal) =>
      client.connect(transport, { signal: inner, timeout: timeoutMs, ...(prior ? { prior } : {}) })
    await exchange(connect, { signal, timeoutMs }, () => void transport.close())
  } catch (error) {
    await close({ terminate: false })
    throw error
  }
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- as above
  client.onclose = () => void (isClosed || onClose())
  const discovered = client.getDiscoverResult()
  const isModern = client.getProtocolEra() === 'modern'

  return {
    era: isModern ? ('modern' as const) : ('legacy' as const),
    /** What the next session can start from. */
    prior: (discovered
      ? { kind: 'modern', discover: discovered }
      : { kind: 'legacy' }) satisfies PriorDiscovery as PriorDiscovery,
    hasTools: client.getServerCapabilities()?.tools !== undefined,
    tellsOfTools: client.getServerCapabilities()?.tools?.listChanged === true,

    /** Reads one page of tools. */
    listTools: (cursor: string | undefined, limits: Limits) =>
      exchange(
        (signal) =>
          client.request(
            { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
            { signal, timeout: noTimeout },
          ),
        limits,
      ),

    /** Calls a tool. Its schema is passed on: otherwise the SDK compiles those of all tools. */
    callTool(
      tool: Tool,
      args: Record<string, unknown>,
      { onProgress, ...limits }: CallLimits,
    ): Promise<CallToolResult> {
      const { name, inputSchema } = tool
      return exchange((signal, extend) => {
        const onprogress: ProgressCallback = (progress) => {
          extend()
          onProgress?.(progress)
        }
        const options = { signal, timeout: noTimeout, toolDefinition: { name, inputSchema } }
        return client.callTool({ name, arguments: args }, onProgress ? { ...options, onprogress } : options)
      }, limits)
    },

    /** Asks for a sign of life. */
    async ping(limits: Limits): Promise<void> {
      const options = { timeout: noTimeout }
      await exchange(
        (signal): Promise<unknown> =>
          isModern ? client.discover({ signal, ...options }) : client.ping({ signal, ...options }),
        limits,
      )
    },

    /** Opens the stream of notifications that the modern protocol has on demand; resolves when it has ended. */
    async listen(limits: Limits): Promise<void> {
      const subscription = await client.listen(subscriptions, { signal: limits.signal, timeout: limits.timeoutMs })
      await subscription.closed
    },

    /** For what a fleet does not need: the SDK's client, and requests to it within limits. */
    client,
    exchange,
    close,
  }

  async function createTransport(to: Target) {
    if (to.type === 'stdio') {
      const { StdioClientTransport, getDefaultEnvironment } = await import('@modelcontextprotocol/client/stdio')
      const { command, args, cwd, env } = to
      const created = new StdioClientTransport({
        command,
        args: [...args],
        env: { ...getDefaultEnvironment(), ...env },
        stderr: 'ignore',
        ...(cwd === undefined ? {} : { cwd }),
      })
      traceTransport(created, 'pipe')
      return created
    }
    const { SSEClientTransport, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
    const settings = {
      fetch: createTracedFetch(to.url, { maxAnswerBytes }),
      requestInit: { headers: { ...to.headers } },
      ...(to.authProvider ? { authProvider: to.authProvider } : {}),
    }
    const created =
      to.type === 'sse' ? new SSEClientTransport(to.url, settings) : new StreamableHTTPClientTransport(to.url, settings)
    traceTransport(created, to.type)
    return created
  }
}

/** The SDK's own timeout, in ms, is out of reach: `exchange` has the one that counts. */
const noTimeout = 2_147_483_647

/** The result of `work`, or a rejection as soon as the exchange is cancelled. */
async function settledBy<T>({ signal }: Cancellation, work: Promise<T>): Promise<T> {
  if (signal.aborted) throw signal.reason
  return await new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
