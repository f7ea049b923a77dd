import type * as Mcp from '@modelcontextprotocol/server'
import type { MeshRegistration } from '../roster/agents.ts'
import type { RosterError } from '../roster/error.ts'
import { connectRoster } from '../roster/roster.ts'
import { AgentError } from './agent-error.ts'
import { createDependencyTable } from './calls/dependency-table.ts'
import { createProviderSessions } from './calls/provider-sessions.ts'
import { createReporter } from './event-reporter.ts'
import { createHeartbeatLoop, isRefusal } from './heartbeat-loop.ts'
import {
  type AgentServer,
  openAgentServer,
  type Wrapped,
  wrappedOf,
  type WrappedTools,
} from './serving/agent-server.ts'
import type { WrappedServer } from './serving/mcp-endpoint.ts'
import { createToolSet } from './serving/tool-set.ts'
import { type AgentOptions, isAnyAddress, reachableAddress, settingsOf } from './settings.ts'
import { closeOnSignals } from './termination.ts'
import { assertServable, defineTool } from './tool-definition.ts'
import {
  type ArgumentsOf,
  type Dependency,
  type Injected,
  type JsonSchema,
  type Services,
  type StandardSchema,
  type Tool,
  type ToolOptions,
} from './tool.ts'

/** Maximum duration of a request to the roster, in ms: a roster that does not answer is away. */
const maxRequestMs = 10_000

/** Time for the last answers to be sent once all calls have ended, in ms; open subscriptions are cut then. */
const flushMs = 250

export type Agent<Declared = Services> = ReturnType<typeof createAgent<Declared>>

/**
 * An agent of a mesh: serves its tools by MCP, keeps itself registered, and injects what its tools depend on.
 *
 * `Declared` types the functions of other agents by the name that they are injected by.
 *
 * @throws {AgentError} `invalid_option`.
 * @example
 * const agent = createAgent<{ clock: (args: { zone: string }) => string }>({ id: 'greeter-1' })
 * agent.tool('greet', { schema: z.object({ who: z.string() }), dependencies: ['clock'] }, async ({ who }, { clock }) =>
 *   clock ? `hello ${who} at ${await clock({ zone: 'UTC' })}` : `hello ${who}`)
 * await agent.start()
 */
export function createAgent<Declared = Services>(options: AgentOptions) {
  const settings = settingsOf(options)
  const { id } = settings
  const report = createReporter(settings)
  const closing = new AbortController()
  const roster = connectRoster({
    url: settings.roster,
    token: settings.token,
    timeoutMs: maxRequestMs,
    // It repeats its requests by itself.
    retries: 0,
    breaker: false,
  })
  const sessions = createProviderSessions({ agent_id: id })
  const dependencies = createDependencyTable({
    agent_id: id,
    call: sessions.call,
    onEvent: report,
    isClosed: () => isClosed,
  })
  const tools = createToolSet({ agent_id: id, dependencies })
  const loop = createHeartbeatLoop({
    requests: { ...roster, join: async (sent, limits) => await roster.join({ ...sent, ...(await address()) }, limits) },
    registration,
    intervalMs: settings.health_interval * 1000,
    check: settings.check,
    checkMs: settings.checkMs,
    onAnswer(answer) {
      dependencies.apply(answer)
      sessions.retain(dependencies.endpoints())
    },
    onEvent: report,
    signal: closing.signal,
  })
  let wrapped: Wrapped | undefined
  let server: AgentServer | undefined
  let opening: Promise<void> | undefined
  let started: Promise<void> | undefined
  let closed: Promise<void> | undefined
  let isClosed = false
  let ignoreSignals: (() => void) | undefined

  /** Looked up for each registration: a roster may have no address yet, and a machine may change networks. */
  const address = () => reachableAddress(settings, server?.port ?? 0)

  function registration(): MeshRegistration {
    const { name, description, version, namespace, labels, annotations, tags, agent_type = 'mcp_agent' } = settings
    const { health_interval, timeout_threshold, eviction_threshold } = settings
    return {
      agent_id: id,
      name: name ?? id,
      agent_type,
      runtime: 'typescript',
      version,
      ...definedOf({ description, namespace, labels, annotations, tags, timeout_threshold, eviction_threshold }),
      heartbeat_interval: health_interval,
      tools: tools.all().map(({ registered }) => registered),
    }
  }

  /**
   * Offers a function as a tool, and as a capability to other agents.
   *
   * @throws {AgentError} `invalid_option`: the name is invalid or taken, an option is unknown or invalid, or two dependencies
   * have one name.
   */
  function tool<
    Schema extends StandardSchema<never> | StandardSchema | JsonSchema | undefined = undefined,
    const Dependencies extends readonly Dependency[] = readonly [],
  >(
    name: string,
    toolOptions: ToolOptions<Schema, Dependencies>,
    handler: (
      args: ArgumentsOf<Schema>,
      injected: Injected<Dependencies, Declared>,
      context: Mcp.ServerContext,
    ) => unknown,
  ): void {
    if (wrapped)
      throw new AgentError('invalid_option', `the agent ${id} wraps a server: add the tool "${name}" to that`)
    const defined = defineTool(name, toolOptions as Tool['options'])
    assertServable(defined, handler)
    tools.add(defined, handler)
    if (!server) return
    server.toolsChanged()
    loop.refresh()
  }

  /**
   * Serves an MCP server of yours instead of own tools: one server, or a function that makes one. Each of its tools becomes a
   * capability; `injected()` returns the dependencies of the one that runs.
   */
  function wrap(wrappedServer: WrappedServer, wrappedTools: WrappedTools = {}): void {
    if (tools.all().length > 0 || started)
      throw new AgentError('invalid_option', 'wrap a server before "start", and without own tools')
    wrapped = wrappedOf(wrappedServer, wrappedTools)
  }

  async function open(): Promise<void> {
    server = await openAgentServer({ settings, tools, wrapped, suspension: loop.suspension })
    const failure = await loop.start()
    if (failure && isRefusal(failure)) throw refusalError(failure)
  }

  function refusalError(error: RosterError): RosterError {
    error.message = `the roster refuses the agent ${id}: ${error.message}`
    return error
  }

  /**
   * Listens, registers and sends heartbeats. Resolves after the first attempt to register: where the roster is away, the agent
   * serves meanwhile and goes on trying.
   *
   * @throws {AgentError} `port_taken`, `invalid_option`, `agent_closed`.
   * @throws {RosterError} The roster refuses the registration: it is invalid, its required dependencies form a circle, or the
   * token lacks the right.
   */
  function start(): Promise<void> {
    if (closed) return Promise.reject(closedError())
    return (started ??= (async () => {
      const { signal, signals = true } = settings
      if (signals) ignoreSignals = closeOnSignals(close)
      signal?.addEventListener('abort', () => void close(), { once: true, signal: closing.signal })
      if (signal?.aborted) void close()
      try {
        assertOpen()
        await (opening = open())
        assertOpen()
      } catch (error) {
        await close()
        throw error
      }
    })())
  }

  function assertOpen(): void {
    if (closing.signal.aborted) throw closedError()
  }

  function closedError(): AgentError {
    return new AgentError('agent_closed', `the agent ${id} is closed`)
  }

  /** Leaves the roster, answers the calls that are under way, and stops listening: within `close_timeout`. */
  function close(): Promise<void> {
    return (closed ??= (async () => {
      const deadline = performance.now() + settings.closeMs
      const leftMs = () => Math.max(0, deadline - performance.now())
      closing.abort()
      await settledWithin(opening, leftMs())
      await loop.leave(Math.max(flushMs, leftMs() / 2))
      await settledWithin(tools.idle(), leftMs())
      isClosed = true
      await server?.close(Math.min(flushMs, leftMs()))
      sessions.close()
      ignoreSignals?.()
    })())
  }

  return {
    id,
    tool,
    wrap,
    start,
    close,
    /**
     * The dependencies of a tool as they are now, for code outside of its calls.
     *
     * @throws {AgentError} `no_provider`: a required one has none.
     */
    dependenciesOf: (name: string) => tools.dependenciesOf(name) as Partial<Injected<readonly Dependency[], Declared>>,
    /** The dependencies of the tool that runs; empty elsewhere. For tools of a wrapped server, and functions below a tool. */
    injected: () => tools.injected() as Partial<Injected<readonly Dependency[], Declared>>,
    /** Where the agent listens: `http://127.0.0.1:41234`; undefined until it does. */
    get url(): string | undefined {
      if (!server) return undefined
      const { host } = settings
      const name = isAnyAddress(host) ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
      return `http://${name}:${server.port}`
    },
    [Symbol.asyncDispose]: close,
  }
}

/** Waits for a promise, whatever its outcome, but not longer than `ms`. */
async function settledWithin(promise: Promise<unknown> | undefined, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)))
  await Promise.race([promise?.catch(() => undefined), timeout])
  clearTimeout(timer)
}

/** The members that are given. */
function definedOf<T extends Record<string, unknown>>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof definedOf<T>
  >
}
