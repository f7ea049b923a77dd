import type { MeshOperations } from '../agents/mesh-operations.ts'
import type { ClusterConfig } from '../cluster/config.ts'
import type { Members } from '../cluster/members.ts'
import type { ProbeOwnership } from '../cluster/ownership.ts'
import type { Takeover } from '../cluster/takeovers.ts'
import type { Monitor } from '../health/monitor.ts'
import type { Statistics } from '../health/statistics/statistics.ts'
import type { UnlistedProbes } from '../health/unlisted-probes.ts'
import type { Journal } from '../journal/journal.ts'
import type { Log } from '../log.ts'
import type { McpEndpoint } from '../mcp/endpoint.ts'
import type { Reach } from '../model/change.ts'
import type { ManualServers } from '../registrations/manual-servers.ts'
import type { Overrides } from '../registrations/overrides.ts'
import type { Registrations } from '../registrations/registrations.ts'
import type { Registry } from '../registry/registry.ts'
import type { Supervisor } from '../registry/supervision/supervisor.ts'
import type { StoreType } from '../stores/store.ts'
import type { Calls } from './calls/calls.ts'
import type { ServerCalls } from './calls/server-calls.ts'
import type { Publish } from './config/publish.ts'
import type { Ui } from './config/ui.ts'
import type { VolatileView } from './servers/detail-cache.ts'
import type { WatchRoute, WatchService } from './watch/watch.ts'

/** The outcome of a reload, or why the old config stays in force. */
export type ReloadResult =
  | { readonly applied: true; readonly [fact: string]: unknown }
  | { readonly applied: false; readonly reason: string }

/** What a reload would change, without secrets, or why it would change nothing. */
export type CheckedConfig =
  | {
      readonly isValid: true
      /** The config file, if there is one. */
      readonly file?: string | undefined
      readonly warnings: readonly string[]
      /** Settings outside of the sources. A secret that changes is `<redacted>` before and after. */
      readonly changed: readonly { readonly path: string; readonly before?: unknown; readonly after?: unknown }[]
      /** Names of the sources that would start, restart, and end. */
      readonly sources: {
        readonly added: readonly string[]
        readonly changed: readonly string[]
        readonly removed: readonly string[]
      }
      /** Settings that would apply at the next start only. */
      readonly needs_restart: readonly string[]
    }
  | { readonly isValid: false; readonly reason: string }

/** The config in force as operators see it, without secrets. */
export type ShownConfig = {
  /** The config file, if there is one. */
  readonly file?: string | undefined
  readonly settings: readonly { readonly path: string; readonly value: unknown; readonly origin: string }[]
  /** Settings that have changed since the start and apply at the next one. */
  readonly needs_restart: readonly string[]
  readonly last_reload: {
    readonly applied: boolean
    readonly at: string
    readonly warnings: readonly string[]
    readonly reason?: string | undefined
  }
}

/** The parts of the daemon that the API uses. */
export type ApiPorts = {
  readonly registry: Pick<
    Registry,
    'get' | 'whereOf' | 'list' | 'token' | 'size' | 'select' | 'counts' | 'counters' | 'subscribe'
  >
  readonly supervisor: Pick<
    Supervisor,
    'sources' | 'syncing' | 'refresh' | 'names' | 'isStarted' | 'ready' | 'mayNameVariables'
  >
  readonly monitor: Pick<Monitor, 'probe' | 'figuresOf' | 'discovery' | 'selfPreservation' | 'endSelfPreservation'> &
    VolatileView
  /** Probes servers that no source shows. */
  readonly probeUnlisted: UnlistedProbes
  /** What probes showed over time. */
  readonly statistics: Pick<Statistics, 'ringsOf' | 'timeline' | 'minute' | 'isFull'>
  /** Manual servers, and the config of their source. */
  readonly manual: Pick<
    ManualServers,
    'put' | 'remove' | 'read' | 'rehearsePut' | 'rehearseRemoval' | 'get' | 'isPublished'
  > &
    Pick<Registrations, 'assertLoaded'> & {
      readonly source: () => {
        readonly name: string
        readonly enabled: boolean
        readonly allow_stdio: boolean
        /** Networks that probes of manual servers may reach. */
        readonly reach: Reach
      }
    }
  readonly overrides: Pick<Overrides, 'set' | 'assertRoom' | 'remove' | 'get' | 'list'>
  /** The state of the store; undefined until it is open. */
  readonly store: () => { readonly status: 'up' | 'down'; readonly lagMs?: number } | undefined
  /** The daemons that share the store. */
  readonly cluster: Pick<Members, 'self' | 'isShared' | 'isMember' | 'view' | 'leader' | 'leaderSince'> & {
    readonly settings: ClusterConfig
    readonly storeType: StoreType
    /** Who probes the targets that this daemon knows. */
    readonly ownership: () => ProbeOwnership
    /** Undefined while this daemon has seen none. */
    readonly lastTakeover: () => Takeover | undefined
  }
  /** The id by which other rosters know this registry. */
  readonly instance: () => string
  /** Settings of the publication to other registries and clients. */
  readonly publish: () => Publish
  /** Settings of the dashboard. */
  readonly ui: () => Ui
  /** The operations on registered agents. */
  readonly mesh: MeshOperations
  /** Calls of tools of agents. */
  readonly calls: Pick<Calls, 'handle'>
  /** Calls of tools of servers. */
  readonly serverCalls: Pick<ServerCalls, 'handle'>
  /** The watches of the lists with the same names. */
  readonly watch: Pick<WatchService, 'admit' | 'relay'> & {
    readonly servers: WatchRoute
    readonly agents: WatchRoute
    readonly capabilities: WatchRoute
  }
  /** The stored events. */
  readonly journal: Pick<Journal, 'isEnabled' | 'read' | 'follow' | 'attribute'>
  /** The registry as an MCP server. */
  readonly mcp: Pick<McpEndpoint, 'handle'>
  readonly reload: () => Promise<ReloadResult>
  /** Reads the config without applying it. */
  readonly checkConfig: () => Promise<CheckedConfig>
  readonly config: () => Promise<ShownConfig>
  /** Absent where metrics are disabled. */
  readonly metrics?:
    | {
        /** Prometheus text. */
        readonly text: () => Promise<string>
        /** The JSON of the original mesh registry. */
        readonly json: () => object
        /** The format for requests without a matching `Accept` header. */
        readonly default: () => 'prometheus' | 'json'
      }
    | undefined
  /** What the operator should change in the config; public, so without secrets. */
  readonly warnings: () => readonly string[]
  /** Name of this service for clients of the mesh registry, from the config. */
  readonly service: () => string
  /** Name of this registry, from the config. */
  readonly name: string
  readonly version: string
  readonly log: Log
}
