import type * as Mcp from '@modelcontextprotocol/client'
import type { MeshProvider } from '../../roster/agents.ts'
import { AgentError } from '../agent-error.ts'
import type { CallOptions } from '../tool.ts'
import { answeringFetch } from './answering-fetch.ts'
import { callFailure } from './call-failure.ts'
import { type CallResult, textOf, valueOf } from './call-result.ts'

type Client = InstanceType<(typeof Mcp)['Client']>

/** Maximum duration of the first exchange with a provider, in ms. */
const maxOpenMs = 10_000

/** Default limit of a call, in ms. */
const defaultCallMs = 60_000

/** The URL at which a provider serves MCP. */
export function mcpUrl(endpoint: string): URL {
  const url = new URL(endpoint)
  if (!/\/mcp\/?$/.test(url.pathname)) url.pathname = `${url.pathname.replace(/\/+$/, '')}/mcp`
  return url
}

/** The connections of one agent to its providers: opened at the first call, one for each endpoint. */
export function createProviderSessions({ agent_id }: { agent_id: string }) {
  const sessions = new Map<string, Promise<Client>>()

  async function open(endpoint: string): Promise<Client> {
    const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
    const opening = new AbortController()
    const timer = setTimeout(() => opening.abort(new DOMException('no answer', 'TimeoutError')), maxOpenMs)
    const client = new Client({ name: agent_id, version: '1' }, { versionNegotiation: { mode: 'auto' } })
    try {
      // The library ignores a signal while it negotiates; its `fetch` does not.
      const transport = new StreamableHTTPClientTransport(mcpUrl(endpoint), { fetch: answeringFetch(opening.signal) })
      await client.connect(transport, { timeout: maxOpenMs })
      return client
    } finally {
      clearTimeout(timer)
    }
  }

  function session(endpoint: string): Promise<Client> {
    const known = sessions.get(endpoint)
    if (known) return known
    const opening = open(endpoint)
    sessions.set(endpoint, opening)
    opening.catch(() => forget(endpoint, opening))
    return opening
  }

  /** Drops a connection; the next call opens another one. */
  function forget(endpoint: string, one: Promise<Client> | undefined): void {
    if (one === undefined || sessions.get(endpoint) !== one) return
    sessions.delete(endpoint)
    void one.then((client) => client.close()).catch(() => undefined) // it never opened, or is closed
  }

  /** Calls the function of a provider; resolves with its value. */
  async function call(provider: MeshProvider, args: unknown, options: CallOptions = {}): Promise<unknown> {
    const { endpoint, function_name: name } = provider
    const timeoutMs = options.timeoutMs ?? hintedMs(provider) ?? defaultCallMs
    for (let attempt = 1; ; attempt++) {
      const opening = session(endpoint)
      let result: CallResult
      try {
        const client = await withSignal(opening, options.signal)
        result = (await client.callTool(
          { name, arguments: (args ?? {}) as Record<string, unknown> },
          {
            timeout: timeoutMs,
            // Nothing of the provider's schema is compiled here; it checks its arguments itself.
            toolDefinition: { name, inputSchema: { type: 'object' } },
            ...(options.signal && { signal: options.signal }),
          },
        )) as CallResult
      } catch (error) {
        const { failure, keepsSession, isUnknownSession } = callFailure(error, provider, options.signal)
        if (!keepsSession) forget(endpoint, opening)
        // A provider that has restarted knows no session: it has not done the work.
        if (isUnknownSession && attempt === 1) continue
        throw failure
      }
      if (result.isError === true)
        throw new AgentError('call_failed', `${name} of ${provider.agent_id} failed: ${textOf(result)}`, {
          provider: provider.agent_id,
        })
      return valueOf(result)
    }
  }

  /** Closes the connections to all other endpoints. */
  function retain(endpoints: ReadonlySet<string>): void {
    for (const [endpoint, one] of sessions) if (!endpoints.has(endpoint)) forget(endpoint, one)
  }

  return { call, retain, close: () => retain(new Set()) }
}

function hintedMs({ kwargs }: MeshProvider): number | undefined {
  const seconds = kwargs?.['timeout']
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined
}

/** Stops waiting when the signal aborts. */
async function withSignal<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  signal.throwIfAborted()
  let stop = (): void => undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
