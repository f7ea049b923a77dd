import { createMcpHandler, InMemoryServerEventBus, McpServer } from '@modelcontextprotocol/server'
import type { Batch } from '../model/change.ts'
import { excerptOf } from '../model/data/excerpt.ts'
import { isJsonObject } from '../model/data/json-object.ts'
import type { Principal } from '../model/principal.ts'
import { registerAgentTools } from './agent-tools.ts'
import type { McpPorts } from './ports.ts'
import { agentUri, registerResources, serverUri } from './resources.ts'
import { registerServerTools } from './server-tools.ts'
import { createToolRunner } from './tool-result.ts'

const instructions =
  'The registry of all MCP servers and agents of this organisation, with their health. list_servers and list_capabilities find ' +
  'servers by what they can do; register_agent announces an agent, which stays registered while it sends heartbeats.'

/** Minimum interval between two notifications that the list of resources has changed. */
const listChangedMs = 1000

/** Serves MCP statelessly, with a separate `McpServer` for each request. */
export function createMcpRequestHandler(ports: McpPorts) {
  const bus = new InMemoryServerEventBus()
  const handler = createMcpHandler(({ era, authInfo }) => serverFor(authInfo?.extra?.['principal'] as Principal, era), {
    bus,
    // Subscriptions are counted with the watchers.
    maxSubscriptions: Infinity,
    onerror: (error) => ports.log.debug({ err: error }, 'MCP request rejected'),
  })
  let listChanged: NodeJS.Timeout | undefined

  function serverFor(principal: Principal, era: 'legacy' | 'modern'): McpServer {
    // Only the newer revisions can notify clients without a session.
    const canNotify = era === 'modern'
    const server = new McpServer(
      { name: 'mcp-roster', title: ports.name, version: ports.version },
      {
        instructions,
        capabilities: { tools: { listChanged: false }, resources: { listChanged: canNotify, subscribe: canNotify } },
      },
    )
    const run = createToolRunner(ports.log)
    registerServerTools(server, ports, run)
    registerAgentTools(server, ports, { principal, run })
    registerResources(server.server, ports)
    return server
  }

  function notifySubscribers({ changes }: Batch): void {
    if (bus.listenerCount === 0) return
    for (const { now, before } of changes) {
      const { server } = now ?? before
      handler.notify.resourceUpdated(serverUri(server))
      if (server.discovery_method === 'registered') handler.notify.resourceUpdated(agentUri(server.name))
    }
    if (changes.every(({ type }) => type === 'MODIFIED')) return
    listChanged ??= setTimeout(() => {
      listChanged = undefined
      handler.notify.resourcesChanged()
    }, listChangedMs).unref()
  }

  const unsubscribe = ports.registry.subscribe(notifySubscribers)

  return {
    handle: (request: Request, body: unknown, principal: Principal): Promise<Response> =>
      handler.fetch(request, {
        parsedBody: Array.isArray(body) ? body.map(withShortName) : withShortName(body),
        authInfo: { token: '', clientId: principal.name, scopes: [principal.role], extra: { principal } },
      }),
    async close(): Promise<void> {
      unsubscribe()
      clearTimeout(listChanged)
      await handler.close()
    },
  }
}

/** A message whose name of a tool, which the library repeats in its errors, is not longer than one can be. */
function withShortName(message: unknown): unknown {
  if (!isJsonObject(message) || !isJsonObject(message['params'])) return message
  const { params } = message
  const { name } = params
  return typeof name === 'string' ? { ...message, params: { ...params, name: excerptOf(name) } } : message
}
