import { AgentError } from '../agent-error.ts'
import { invalidOption, isRecord, shown } from '../option-checks.ts'
import type { AgentSettings } from '../settings.ts'
import { defineTool } from '../tool-definition.ts'
import type { Dependency, ToolOptions } from '../tool.ts'
import { openHttpListener } from './http-listener.ts'
import { createToolEndpoint, createWrappedEndpoint, type McpEndpoint, type WrappedServer } from './mcp-endpoint.ts'
import type { ToolSet } from './tool-set.ts'

/** What the tools of a wrapped server register, by the name of the tool; one that is not named is a capability of its name. */
export type WrappedTools = Readonly<
  Record<
    string,
    Pick<ToolOptions<never, readonly Dependency[]>, 'capability' | 'version' | 'tags' | 'kwargs' | 'dependencies'>
  >
>

export type Wrapped = { readonly server: WrappedServer; readonly tools: WrappedTools }

/** Checks what is to be wrapped. @throws {AgentError} `invalid_option`. */
export function wrappedOf(server: WrappedServer, tools: WrappedTools): Wrapped {
  if (typeof server !== 'function' && !isRecord(server))
    throw invalidOption(`wrap needs an MCP server, or a function that makes one, not ${shown(server)}`)
  if (!isRecord(tools) || !Object.values(tools).every(isRecord))
    throw invalidOption(`wrap needs an object with the options of each tool, not ${shown(tools)}`)
  return { server, tools }
}

export type AgentServer = Awaited<ReturnType<typeof openAgentServer>>

/** Listens with the tools of an agent, or with those of the server that it wraps. */
export async function openAgentServer({
  settings,
  tools,
  wrapped,
  suspension,
}: {
  settings: AgentSettings
  tools: ToolSet
  wrapped: Wrapped | undefined
  /** Why the agent is unwell; undefined where it is well. */
  suspension: () => string | undefined
}) {
  const { id, name: title = id, version, host, port, hosts = [], origins = [] } = settings
  const limits = { maxBodyBytes: settings.maxBodyBytes, onError: () => undefined }
  const endpoint = wrapped
    ? await wrappedEndpoint(wrapped)
    : await createToolEndpoint({ info: { name: id, version, title }, tools: tools.all, run: tools.run, limits })

  async function wrappedEndpoint({ server, tools: registered }: Wrapped): Promise<McpEndpoint> {
    const { handler, listTools } = await createWrappedEndpoint({ wrapped: server, around: tools.around, limits })
    for (const { name, description, inputSchema } of await listTools()) {
      const shown = description === undefined ? {} : { description }
      tools.add(defineTool(name, { ...shown, ...registered[name], schema: inputSchema }))
    }
    const unknown = Object.keys(registered).find((name) => !tools.has(name))
    if (unknown === undefined) return handler
    throw new AgentError('invalid_option', `the wrapped server has no tool named "${unknown}"`)
  }

  /** `/mcp` and `/` speak MCP, `/health` says whether the agent is well. */
  function handle(request: Request): Response | Promise<Response> {
    const { pathname } = new URL(request.url)
    if (/^\/(?:mcp\/?)?$/.test(pathname)) return endpoint.fetch(request)
    if (pathname !== '/health') return Response.json({ error: 'the agent serves /mcp and /health' }, { status: 404 })
    const detail = suspension()
    if (detail === undefined) return Response.json({ status: 'healthy' })
    return Response.json({ status: 'unhealthy', detail }, { status: 503 })
  }

  const names = [settings.endpoint && new URL(settings.endpoint).hostname, settings.advertisedHost]
  const listener = await openHttpListener({
    host,
    port,
    hosts: [...hosts, ...names.flatMap((name) => name ?? [])],
    origins,
    handle,
  })

  return {
    port: listener.port,
    toolsChanged: () => endpoint.notify.toolsChanged(),
    /** Stops listening within `ms`: what is under way then is cut, subscriptions are always. */
    async close(ms: number): Promise<void> {
      await listener.close(ms)
      await endpoint.close()
    },
  }
}
