import type * as Mcp from '@modelcontextprotocol/server'
import type { MeshRegistration } from '../roster/agents.ts'
import type { RosterError } from '../roster/error.ts'
import { connectRoster } from '../roster/roster.ts'
import { AgentError } from './agent-error.ts'
import { createDependencyTable } from './calls/dependency-table.ts'
import { createProviderSessions } from './calls/provider-sessions.ts'
import { type AgentEvent, createHeartbeatLoop, isRefusal } from './heartbeat-loop.ts'
import { type HttpListener, openHttpListener } from './serving/http-listener.ts'
import {
  createToolEndpoint,
  createWrappedEndpoint,
  type McpEndpoint,
  type WrappedServer,
} from './serving/mcp-endpoint.ts'
import { createToolSet } from './serving/tool-set.ts'
import { type AgentOptions, reachableAddress, settingsOf } from './settings.ts'
import { closeOnSignals } from './termination.ts'
import {
  type ArgumentsOf,
  defineTool,
  type Dependency,
  type Injected,
  type JsonSchema,
  type Services,
  type StandardSchema,
  type Tool,
  type ToolOptions,
} from './tool.ts'

/** The dependencies of the tools of a wrapped server, and what else they register, by the name of the tool. */
export type WrappedTools = Readonly<
  Record<
    string,
    Pick<ToolOptions<never, readonly Dependency[]>, 'capability' | 'version' | 'tags' | 'kwargs' | 'dependencies'>
  >
>

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
  const { id, onEvent } = settings
  const closing = new AbortController()
  const roster = connectRoster({ url: settings.roster, token: settings.token })
  const sessions = createProviderSessions({ agent_id: id })
  const dependencies = createDependencyTable({
    agent_id: id,
    call: sessions.call,
    onEvent: report,
    isClosed: () => closing.signal.aborted,
  })
  const tools = createToolSet({ agent_id: id, dependencies })
  const loop = createHeartbeatLoop({
    requests: roster,
    registration,
    intervalMs: settings.health_interval * 1000,
    check: settings.check,
    onAnswer(answer) {
      dependencies.apply(answer)
      sessions.retain(dependencies.endpoints())
    },
    onEvent: report,
    signal: closing.signal,
  })
  const limits = { maxBodyBytes: settings.maxBodyBytes, onError: () => undefined }
  let wrapped: { server: WrappedServer; tools: WrappedTools } | undefined
  let address: Awaited<ReturnType<typeof reachableAddress>> | undefined
  let listener: HttpListener | undefined
  let endpoint: McpEndpoint | undefined
  let started: Promise<void> | undefined
  let closed: Promise<void> | undefined
  let ignoreSignals: (() => void) | undefined

  /** An observer that throws harms no heartbeat. */
  function report(event: AgentEvent): void {
    try {
      onEvent?.(event)
    } catch (error) {
      process.emitWarning(`onEvent of the agent ${id} failed: ${String(error)}`)
    }
  }

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
      ...address,
      tools: tools.all().map(({ registered }) => registered),
    }
  }

  /**
   * Offers a function as a tool, and as a capability to other agents.
   *
   * @throws {AgentError} `invalid_option`: the name is invalid or taken, or two dependencies have one name.
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
    tools.add(defineTool(name, toolOptions as Tool['options']), handler)
    if (!listener) return
    endpoint?.notify.toolsChanged()
    loop.refresh()
  }

  /**
   * Serves an MCP server of yours instead of own tools: one server, or a function that makes one. Each of its tools becomes a
   * capability; `injected()` returns the dependencies of the one that runs.
   */
  function wrap(server: WrappedServer, wrappedTools: WrappedTools = {}): void {
    if (tools.all().length > 0 || started)
      throw new AgentError('invalid_option', 'wrap a server before "start", and without own tools')
    wrapped = { server, tools: wrappedTools }
  }

  async function openEndpoint(): Promise<McpEndpoint> {
    const { version, name: title = id } = settings
    const { all: list, run, around } = tools
    if (!wrapped) return createToolEndpoint({ info: { name: id, version, title }, tools: list, run, limits })
    const { handler, listTools } = await createWrappedEndpoint({ wrapped: wrapped.server, around, limits })
    for (const { name, description, inputSchema } of await listTools())
      tools.add(defineTool(name, { ...definedOf({ description }), ...wrapped.tools[name], schema: inputSchema }))
    const unknown = Object.keys(wrapped.tools).find((name) => !tools.has(name))
    if (unknown !== undefined)
      throw new AgentError('invalid_option', `the wrapped server has no tool named "${unknown}"`)
    return handler
  }

  /** Serves one request of HTTP: `/mcp` and `/` speak MCP, `/health` says whether the agent is well. */
  async function serve(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/health') return Response.json({ status: 'healthy', agent_id: id })
    if (!endpoint || !/^\/(?:mcp\/?)?$/.test(pathname))
      return Response.json({ error: 'the agent serves /mcp' }, { status: 404 })
    return endpoint.fetch(request)
  }

  async function open(): Promise<void> {
    endpoint = await openEndpoint()
    const { host, port, hosts = [], origins = [] } = settings
    const known = [settings.endpoint && new URL(settings.endpoint).hostname, settings.advertisedHost]
    listener = await openHttpListener({
      host,
      port,
      hosts: [...hosts, ...known.flatMap((name) => name ?? [])],
      origins,
      handle: serve,
    })
    address = await reachableAddress(settings, listener.port)
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
    if (closing.signal.aborted) return Promise.reject(new AgentError('agent_closed', `the agent ${id} is closed`))
    return (started ??= open().then(ready, async (error: unknown) => {
      await close()
      throw error
    }))
  }

  function ready(): void {
    const { signal, signals = true } = settings
    if (signals) ignoreSignals = closeOnSignals(close)
    if (signal?.aborted) void close()
    signal?.addEventListener('abort', () => void close(), { once: true, signal: closing.signal })
  }

  /** Leaves the roster, answers what is under way, and stops listening: within `close_timeout`. */
  function close(): Promise<void> {
    return (closed ??= (async () => {
      const deadline = performance.now() + settings.closeMs
      const leftMs = () => Math.max(0, deadline - performance.now())
      closing.abort()
      await loop.leave(Math.max(100, leftMs() / 2))
      await listener?.close(leftMs())
      await endpoint?.close()
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
    /** The dependencies of the tool that runs; empty elsewhere. For tools of a wrapped server, and functions below a tool. */
    injected: () => tools.injected() as Partial<Injected<readonly Dependency[], Declared>>,
    /** Where the agent listens, once started: `http://127.0.0.1:41234`. */
    get url(): string {
      if (!listener) throw new AgentError('invalid_option', `the agent ${id} does not listen: await start()`)
      const { host } = settings
      const name = host === '::' || host === '0.0.0.0' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
      return `http://${name}:${listener.port}`
    },
    [Symbol.asyncDispose]: close,
  }
}

/** The members that are given. */
function definedOf<T extends Record<string, unknown>>(fields: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as ReturnType<
    typeof definedOf<T>
  >
}
