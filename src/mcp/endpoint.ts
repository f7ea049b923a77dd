import type { MeshOperations } from '../agents/mesh-operations.ts'
import type { Log } from '../log.ts'
import type { ServerId } from '../model/names.ts'
import type { Principal } from '../model/principal.ts'
import type { Registry } from '../registry/registry.ts'

/** What the tools and resources of `/mcp` ask of the rest of the daemon. */
export type McpPorts = {
  readonly registry: Pick<Registry, 'get' | 'select' | 'token' | 'subscribe'>
  readonly mesh: Pick<
    MeshOperations,
    'register' | 'heartbeat' | 'unregister' | 'find' | 'get' | 'heartbeatPayload' | 'capabilities' | 'capabilityView'
  >
  /** What moves with every probe of a server. */
  readonly volatile: (id: ServerId) => Readonly<Record<string, unknown>> | undefined
  /** Names of the sources that have not answered yet. */
  readonly syncing: () => readonly string[]
  /** What this registry calls itself. */
  readonly name: string
  readonly version: string
  readonly log: Pick<Log, 'error' | 'debug'>
}

export type McpEndpoint = ReturnType<typeof createMcpEndpoint>

/**
 * The registry as an MCP server over Streamable HTTP, for every current revision of the protocol, without sessions.
 *
 * What speaks MCP is loaded at the first request. `close` ends what is still being streamed.
 */
export function createMcpEndpoint(parts: McpPorts) {
  let opening: Promise<Awaited<ReturnType<typeof open>>> | undefined

  async function open() {
    const { createHandler } = await import('./handler.ts')
    return createHandler(parts)
  }

  return {
    /** Answers one request of somebody who was let in; `body` is what it carried. */
    async answer(request: Request, body: unknown, caller: Principal): Promise<Response> {
      const { answer } = await (opening ??= open())
      return answer(request, body, caller)
    },
    async close(): Promise<void> {
      const handler = await opening
      await handler?.close()
    },
  }
}
