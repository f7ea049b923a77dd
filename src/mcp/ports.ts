import type { MeshOperations } from '../agents/mesh-operations.ts'
import type { Log } from '../log.ts'
import type { ServerId } from '../model/names.ts'
import type { Registry } from '../registry/registry.ts'

/** What the tools and resources of `/mcp` need of the daemon. */
export type McpPorts = {
  readonly registry: Pick<Registry, 'get' | 'select' | 'token' | 'subscribe'>
  readonly mesh: Pick<
    MeshOperations,
    | 'register'
    | 'heartbeat'
    | 'unregister'
    | 'discover'
    | 'get'
    | 'agentView'
    | 'heartbeatPayload'
    | 'capabilities'
    | 'capabilityView'
  >
  /** The health fields of a server that change with every probe, and have no version. */
  readonly volatile: (id: ServerId) => Readonly<Record<string, unknown>> | undefined
  /** Names of the sources that have not answered yet. */
  readonly syncing: () => readonly string[]
  /** Name of this instance. */
  readonly name: string
  readonly version: string
  readonly log: Pick<Log, 'error' | 'debug'>
}
