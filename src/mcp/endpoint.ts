import type { Principal } from '../model/principal.ts'
import type { McpPorts } from './ports.ts'

export type McpEndpoint = ReturnType<typeof createMcpEndpoint>

/**
 * The registry as an MCP server over Streamable HTTP, for every current revision of the protocol, without sessions.
 *
 * The MCP library is loaded at the first request. `close` ends all open streams.
 */
export function createMcpEndpoint(ports: McpPorts) {
  let opening: Promise<Awaited<ReturnType<typeof open>>> | undefined

  async function open() {
    const { createMcpRequestHandler } = await import('./handler.ts')
    return createMcpRequestHandler(ports)
  }

  return {
    /** Handles one authenticated request; `body` is its parsed JSON. */
    async handle(request: Request, body: unknown, principal: Principal): Promise<Response> {
      const handler = await (opening ??= open())
      return handler.handle(request, body, principal)
    },
    async close(): Promise<void> {
      const handler = await opening
      await handler?.close()
    },
  }
}
