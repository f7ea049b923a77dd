import type { Client, ClientCapabilities, SubscriptionFilter } from '@modelcontextprotocol/client'
import { createBackoff } from '../../../flow/backoff.ts'
import { pause } from '../../roster/cancellation.ts'
import { ExchangeError } from '../connection/failure.ts'
import { watchLiveness } from '../connection/liveness.ts'
import { openSession, type Session } from '../connection/open-session.ts'
import type { Target } from '../connection/target.ts'
import type { FleetSettings } from '../fleet-options.ts'
import { internalError, RpcFailure } from './json-rpc.ts'

type Params = Readonly<Record<string, unknown>> | undefined

type Parts = {
  readonly resolveTarget: () => Promise<Target>
  readonly settings: Pick<
    FleetSettings,
    'clientInfo' | 'connectTimeoutMs' | 'callTimeoutMs' | 'pingIntervalMs' | 'pingTimeoutMs' | 'maxPauseMs'
  >
  /** What the local client can be asked. */
  readonly capabilities: ClientCapabilities
  readonly onRequest: (method: string, params: Params, signal: AbortSignal) => Promise<unknown>
  readonly onNotification: (method: string, params: Params) => void
  /** The connection is back after a loss; lists may have changed. */
  readonly onReturn: () => void
  readonly onEvent: (text: string) => void
  readonly signal: AbortSignal
}

export type RemoteServer = ReturnType<typeof createRemoteServer>

/** Requests whose effect belongs to the session: made again in the next one. */
const lastingMethods: ReadonlySet<string> = new Set(['logging/setLevel', 'resources/subscribe'])

/** The session with a remote server for one local client: opened again whenever it is lost. */
export function createRemoteServer({
  resolveTarget,
  settings,
  capabilities,
  onRequest,
  onNotification,
  onReturn,
  onEvent,
  signal,
}: Parts) {
  const lasting = new Map<string, { readonly method: string; readonly params: Params }>()
  const backoff = createBackoff({ maxMs: settings.maxPauseMs })
  let current: Promise<Session> | undefined
  let hasLost = false

  /** Lets the server ask the local client what that declared it can be asked. */
  function prepare(client: Client): void {
    client.registerCapabilities(capabilities)
    client.fallbackRequestHandler = async ({ method, params }, { mcpReq }) =>
      (await onRequest(method, params, mcpReq.signal)) as Record<string, unknown>
    client.fallbackNotificationHandler = async ({ method, params }) => onNotification(method, params)
  }

  async function open(): Promise<Session> {
    const over = new AbortController()
    const lose = (why: string) => {
      if (over.signal.aborted) return
      over.abort()
      if (signal.aborted) return
      hasLost = true
      current = undefined
      onEvent(`connection lost: ${why}`)
      void session.close()
      void reopen()
    }
    let doubt: () => void = () => undefined
    const session = await openSession(await resolveTarget(), {
      prior: undefined,
      timeoutMs: settings.connectTimeoutMs,
      signal,
      clientInfo: settings.clientInfo,
      onDoubt: () => doubt(),
      onClose: () => lose('the server closed it'),
      onToolsChanged: () => onNotification('notifications/tools/list_changed', undefined),
      prepare,
      subscriptions,
    })
    signal.addEventListener('abort', () => over.abort(), { once: true })
    const liveness = watchLiveness({
      session,
      signal: over.signal,
      intervalMs: settings.pingIntervalMs,
      timeoutMs: settings.pingTimeoutMs,
      onAlive: () => undefined,
      onGap: onReturn,
      onDead: lose,
    })
    doubt = liveness.check
    for (const { method, params } of lasting.values())
      await relay(session, method, params, { signal }).catch(() => undefined)
    backoff.reset()
    if (hasLost) {
      onEvent('connected again')
      onReturn()
    }
    return session
  }

  /** The session: the open one, or a new one. */
  function session(): Promise<Session> {
    current ??= open().catch((error: unknown) => {
      current = undefined
      throw error
    })
    return current
  }

  async function reopen(): Promise<void> {
    while (!signal.aborted && !current) {
      await pause(backoff.next(), signal)
      if (signal.aborted) return
      await session().catch((error: unknown) => onEvent(`cannot connect: ${messageOf(error)}`))
    }
  }

  function relay(
    to: Session,
    method: string,
    params: Params,
    { signal: ended, onProgress }: { signal: AbortSignal; onProgress?: ((progress: object) => void) | undefined },
  ): Promise<Record<string, unknown>> {
    const limits = { signal: ended, timeoutMs: settings.callTimeoutMs }
    return to.exchange(async (inner, extend) => {
      const onprogress = (progress: object) => {
        extend()
        onProgress?.(progress)
      }
      const options = { signal: inner, timeout: noTimeout, ...(onProgress ? { onprogress } : {}) }
      return (await to.client.request({ method, ...(params ? { params } : {}) }, anyResult, options)) as Record<
        string,
        unknown
      >
    }, limits)
  }

  return {
    session,
    /** Sends a request. Where the session is gone, the server did nothing: a new session sends it again. */
    async request(
      method: string,
      params: Params,
      limits: { signal: AbortSignal; onProgress?: ((progress: object) => void) | undefined },
    ): Promise<Record<string, unknown>> {
      if (lastingMethods.has(method)) lasting.set(`${method} ${String(params?.['uri'])}`, { method, params })
      if (method === 'resources/unsubscribe') lasting.delete(`resources/subscribe ${String(params?.['uri'])}`)
      const used = await session()
      try {
        return await relay(used, method, params, limits)
      } catch (error) {
        limits.signal.throwIfAborted()
        if (!(error instanceof ExchangeError)) throw error
        if (!error.failure.isSessionLost) throw answerOf(error)
        if ((await current?.catch(() => undefined)) === used) current = undefined
        return await relay(await session(), method, params, limits)
      }
    },
    async notify(method: string, params: Params): Promise<void> {
      await (await session()).client.notification({ method, ...(params ? { params } : {}) })
    },
    async close(): Promise<void> {
      await (await current?.catch(() => undefined))?.close()
    },
  }
}

const subscriptions: SubscriptionFilter = {
  toolsListChanged: true,
  promptsListChanged: true,
  resourcesListChanged: true,
}

/** The SDK's own timeout, in ms, is out of reach: the session has the one that counts. */
const noTimeout = 2_147_483_647

/** Accepts every result as it is. */
const anyResult = {
  '~standard': { version: 1, vendor: 'mcp-roster', validate: (value: unknown) => ({ value }) },
} as const

/** The server's own error as it came, or ours in its place. */
function answerOf({ failure }: ExchangeError): RpcFailure {
  return new RpcFailure(failure.protocol ?? { code: internalError, message: failure.reason })
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
