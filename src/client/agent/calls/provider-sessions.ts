import type { MeshProvider } from '../../roster/agents.ts'
import { AgentError } from '../agent-error.ts'
import type { CallOptions } from '../tool.ts'
import { callFailure } from './call-failure.ts'
import { type CallResult, textOf, valueOf } from './call-result.ts'
import { openSession, type ProviderSession } from './provider-session.ts'
import { nestingMeta } from './running-call.ts'

/** Default limit of a call, in ms. */
const defaultCallMs = 60_000

/** The connections of one agent to its providers: opened at the first call, one for each endpoint. */
export function createProviderSessions({ agent_id }: { agent_id: string }) {
  const sessions = new Map<string, ProviderSession>()
  /** All that are open: retired ones too, while they have calls. */
  const open = new Set<ProviderSession>()

  function sessionTo(endpoint: string): ProviderSession {
    const known = sessions.get(endpoint)
    if (known) return known
    const session: ProviderSession = openSession(endpoint, agent_id, () => {
      open.delete(session)
      forget(endpoint, session)
    })
    sessions.set(endpoint, session)
    open.add(session)
    return session
  }

  /** The next call opens another connection. */
  function forget(endpoint: string, session: ProviderSession): void {
    if (sessions.get(endpoint) === session) sessions.delete(endpoint)
  }

  function retire(endpoint: string, session: ProviderSession): void {
    forget(endpoint, session)
    session.retire()
  }

  async function request(
    session: ProviderSession,
    { function_name: name, kwargs }: MeshProvider,
    args: unknown,
    { signal, timeoutMs = hintedMs(kwargs) ?? defaultCallMs }: CallOptions,
  ): Promise<CallResult> {
    const params = { name, arguments: (args ?? {}) as Record<string, unknown>, ...nestingMeta() }
    // Nothing of the provider's schema is compiled here; it checks its arguments itself.
    const toolDefinition = { name, inputSchema: { type: 'object' as const } }
    const options = { timeout: timeoutMs, toolDefinition, ...(signal && { signal }) }
    return session.use(async (client) => (await client.callTool(params, options)) as CallResult, {
      signal,
      timeoutMs,
    })
  }

  /** Calls the function of a provider; resolves with its value. */
  async function call(provider: MeshProvider, args: unknown, options: CallOptions = {}): Promise<unknown> {
    const { agent_id: id, endpoint, function_name: name } = provider
    for (let attempt = 1; ; attempt++) {
      const session = sessionTo(endpoint)
      try {
        const result = await request(session, provider, args, options)
        if (result.isError !== true) return valueOf(result)
        throw new AgentError('call_failed', `${name} of ${id} failed: ${textOf(result)}`, { provider: id })
      } catch (error) {
        if (error instanceof AgentError) throw error
        const { failure, keepsSession, isUnknownSession } = callFailure(error, provider, options.signal)
        if (!keepsSession) retire(endpoint, session)
        // A provider that has restarted knows no session: it has not done the work.
        if (!isUnknownSession || attempt > 1) throw failure
      }
    }
  }

  /** Retires the connections to all other endpoints. */
  function retain(endpoints: ReadonlySet<string>): void {
    for (const [endpoint, session] of sessions) if (!endpoints.has(endpoint)) retire(endpoint, session)
  }

  /** Closes all connections; calls that are under way fail. */
  function close(): void {
    for (const session of open) session.close()
    sessions.clear()
  }

  return { call, retain, close }
}

function hintedMs(kwargs: MeshProvider['kwargs']): number | undefined {
  const seconds = kwargs?.['timeout']
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined
}
