import { createMcpHandler, InMemoryServerEventBus, McpServer } from '@modelcontextprotocol/server'
import type { Batch } from '../model/change.ts'
import type { Principal } from '../model/principal.ts'
import { registerAgentTools } from './agent-tools.ts'
import type { McpPorts } from './endpoint.ts'
import { agentUri, registerResources, serverUri } from './resources.ts'
import { registerServerTools } from './server-tools.ts'

const instructions =
  'The registry of all MCP servers and agents here, with their health. list_servers and list_capabilities find what can do something; ' +
  'register_agent announces an agent, which stays known for as long as it sends heartbeats.'

/** So often at most are subscribers told that the list of resources is another. */
const quietMs = 1000

/** Serves MCP: a server of its own for each request, all of them stateless. */
export function createHandler(parts: McpPorts) {
  const bus = new InMemoryServerEventBus()
  const handler = createMcpHandler(({ era, authInfo }) => serverFor(authInfo?.extra?.['caller'] as Principal, era), {
    bus,
    onerror: (error) => parts.log.debug({ err: error }, 'a request to the MCP endpoint was refused'),
  })
  let telling: NodeJS.Timeout | undefined

  function serverFor(caller: Principal, era: 'legacy' | 'modern'): McpServer {
    // Only the newer revisions have a way to be told of changes without a session.
    const told = era === 'modern'
    const server = new McpServer(
      { name: 'mcp-roster', title: parts.name, version: parts.version },
      {
        instructions,
        capabilities: { tools: { listChanged: false }, resources: { listChanged: told, subscribe: told } },
      },
    )
    registerServerTools(server, parts)
    registerAgentTools(server, parts, caller)
    registerResources(server.server, parts)
    return server
  }

  function tell({ changes }: Batch): void {
    if (bus.listenerCount === 0) return
    for (const { now, before } of changes) {
      const { server } = now ?? before
      handler.notify.resourceUpdated(serverUri(server))
      if (server.discovery_method === 'registered') handler.notify.resourceUpdated(agentUri(server.name))
    }
    if (changes.every(({ type }) => type === 'MODIFIED')) return
    telling ??= setTimeout(() => {
      telling = undefined
      handler.notify.resourcesChanged()
    }, quietMs).unref()
  }

  const leave = parts.registry.subscribe(tell)

  return {
    answer: (request: Request, body: unknown, caller: Principal): Promise<Response> =>
      handler.fetch(request, {
        parsedBody: body,
        authInfo: { token: '', clientId: caller.name, scopes: [caller.role], extra: { caller } },
      }),
    async close(): Promise<void> {
      leave()
      clearTimeout(telling)
      await handler.close()
    },
  }
}
