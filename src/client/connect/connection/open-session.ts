import type {
  CallToolResult,
  Client,
  Implementation,
  PriorDiscovery,
  ProgressCallback,
  SubscriptionFilter,
  Tool,
} from '@modelcontextprotocol/client'
import { importClientSdk } from '../../peer-packages.ts'
import { createWatchdog } from '../../roster/cancellation.ts'
import { defaultMaxAnswerBytes } from '../fleet-options.ts'
import { createExchanges, type Limits } from './exchange.ts'
import { createTracedFetch, traceTransport } from './http-exchange.ts'
import type { Target } from './target.ts'

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
  /** Maximum size of one answer, or of one event. */
  readonly maxAnswerBytes?: number
  /** What the stream of notifications carries; default: changes of the tool list. */
  readonly subscriptions?: SubscriptionFilter
}

/** Limits of a call. `mayLeave`: it can be repeated elsewhere, so it gives up when the connection is lost. */
export type CallLimits = Limits & {
  readonly onProgress?: ProgressCallback | undefined
  readonly mayLeave: boolean
}
export type Session = Awaited<ReturnType<typeof openSession>>

/**
 * Opens a session with one server.
 *
 * @throws {ExchangeError} It could not be opened.
 */
export async function openSession(target: Target, options: SessionOptions) {
  const { prior, timeoutMs, signal, clientInfo, onDoubt, onClose, onToolsChanged, prepare } = options
  const { subscriptions = { toolsListChanged: true }, maxAnswerBytes = defaultMaxAnswerBytes } = options
  const { Client } = await importClientSdk()
  const client = new Client(clientInfo, { versionNegotiation: { mode: 'auto' } })
  const transport = await createTransport(target)
  let isClosed = false
  // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the SDK has these properties only
  client.onerror = () => void (isClosed || onDoubt())
  client.setNotificationHandler('notifications/tools/list_changed', onToolsChanged)
  prepare?.(client)
  const hasSession = () => 'sessionId' in transport && transport.sessionId !== undefined

  const { exchange, cutAll } = createExchanges({ hasSession, scrub: target.scrub })

  async function close({ terminate = true } = {}): Promise<void> {
    if (isClosed) return
    isClosed = true
    cutAll('closed')
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
    await exchange(connect, { signal, timeoutMs }, { onCut: () => void transport.close() })
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
    callTool(tool: Tool, args: Record<string, unknown>, limits: CallLimits): Promise<CallToolResult> {
      const { name, inputSchema } = tool
      const { onProgress, mayLeave, timeoutMs: timeout } = limits
      const fixed = { timeout, toolDefinition: { name, inputSchema } }
      const options = onProgress
        ? { ...fixed, onprogress: withoutErrors(onProgress), resetTimeoutOnProgress: true }
        : fixed
      const call = (signal: AbortSignal) => client.callTool({ name, arguments: args }, { ...options, signal })
      return exchange(call, limits, { hasTimeout: true, mayLeave })
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
      const signal = limits.signal ? { signal: limits.signal } : {}
      const subscription = await client.listen(subscriptions, { ...signal, timeout: limits.timeoutMs })
      await subscription.closed
    },

    /** For what a fleet does not need: the SDK's client, and requests to it within limits. */
    client,
    exchange,
    /** Ends the calls that can be repeated elsewhere. */
    leave: () => cutAll('lost'),
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
    const { SSEClientTransport, StreamableHTTPClientTransport } = await importClientSdk()
    const settings = {
      fetch: createTracedFetch(to.url, { kind: to.type, maxAnswerBytes }),
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

/** The callback of a caller: its errors are its own. */
function withoutErrors(onProgress: ProgressCallback): ProgressCallback {
  return (progress) => void run(progress).catch(() => undefined)

  async function run(progress: Parameters<ProgressCallback>[0]): Promise<void> {
    // It may be asynchronous, whatever its type says.
    await (onProgress(progress) as unknown)
  }
}
