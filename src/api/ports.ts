import type { MeshOperations } from '../agents/mesh-operations.ts'
import type { Monitor } from '../health/monitor.ts'
import type { Log } from '../log.ts'
import type { McpEndpoint } from '../mcp/endpoint.ts'
import type { ManualServers } from '../registrations/manual-servers.ts'
import type { Registrations } from '../registrations/registrations.ts'
import type { Registry } from '../registry/registry.ts'
import type { Supervisor } from '../registry/supervision/supervisor.ts'
import type { Publish } from './config/publish.ts'
import type { VolatileView } from './servers/detail-cache.ts'
import type { WatchRoute } from './watch/watch.ts'

/** What a reload did, or why the old config goes on. */
export type Reloaded =
  | { readonly applied: true; readonly [fact: string]: unknown }
  | { readonly applied: false; readonly reason: string }

/** What the application asks of the rest of the daemon. */
export type ApiPorts = {
  readonly registry: Pick<Registry, 'get' | 'list' | 'token' | 'size' | 'select' | 'counts' | 'counters' | 'subscribe'>
  readonly supervisor: Pick<Supervisor, 'sources' | 'syncing' | 'refresh' | 'names' | 'ready'>
  readonly monitor: Pick<Monitor, 'probe' | 'selfPreservation' | 'endSelfPreservation'> & VolatileView
  /** Servers written by hand, and what the config says of their source. */
  readonly manual: Pick<ManualServers, 'put' | 'remove' | 'get' | 'isPublished'> &
    Pick<Registrations, 'assertLoaded'> & {
      readonly source: () => { readonly name: string; readonly enabled: boolean; readonly allow_stdio: boolean }
    }
  /** How the store of what is registered fares. */
  readonly store: () => { readonly status: 'up' | 'down' } | undefined
  /** Which registry this is, to other rosters. */
  readonly instance: () => string
  /** How servers are published to other registries and clients. */
  readonly publish: () => Publish
  /** Agents that announce themselves. */
  readonly mesh: MeshOperations
  /** Watches of what the lists of the same name show. */
  readonly watch: { readonly servers: WatchRoute; readonly agents: WatchRoute; readonly capabilities: WatchRoute }
  /** The registry as an MCP server. */
  readonly mcp: Pick<McpEndpoint, 'handle'>
  readonly reload: () => Promise<Reloaded>
  /** Absent where metrics are switched off. */
  readonly metrics?:
    | {
        /** For Prometheus. */
        readonly text: () => Promise<string>
        /** For clients of the original mesh registry. */
        readonly json: () => object
        /** What is answered to who does not say what they want. */
        readonly default: () => 'prometheus' | 'json'
      }
    | undefined
  /** What this registry calls itself. */
  readonly name: string
  readonly version: string
  readonly log: Log
}
