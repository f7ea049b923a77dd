import type { JsonObject } from '../model/data/json-object.ts'
import { serverId } from '../model/names.ts'
import type { ServerDefinition } from '../model/server.ts'
import type { StoredVersion } from '../model/source.ts'
import type { StoredLease } from '../stores/store.ts'
import type { Lease, LeaseTerms, SelfReportedStatus } from './leases/lease.ts'
import type { MeshTool } from './mesh-tool.ts'

/** The mesh's own fields of an agent, beside its server definition. Shown at `/agents`. */
export type AgentSpec = {
  /** The name as the mesh shows it: lower-case letters, digits and dashes. */
  readonly name: string
  readonly endpoint: string
  readonly agent_type: string
  /** These three in seconds. */
  readonly health_interval: number
  readonly timeout_threshold: number
  readonly eviction_threshold: number
  readonly config: Record<string, unknown>
  readonly security_context: string | null
  readonly transport?: readonly string[]
  /** Present where the agent registered with `tools`, as every published runtime does. */
  readonly tools?: readonly MeshTool[]
  /** Canonical schemas by hash, those of `tools` and those that they expect of providers. */
  readonly schemas?: Readonly<Record<string, JsonObject>>
  /** `python`, `typescript`, `java`, … as sent. */
  readonly runtime?: string
  readonly a2a_producer?: boolean
  readonly a2a_consumer?: boolean
  readonly surfaces?: readonly A2aSurface[]
}

/** What an A2A agent serves beside its tools. */
export type A2aSurface = { readonly path: string; readonly skill_id: string; readonly [field: string]: unknown }

/** Thresholds for agents that name none, in seconds. */
export type LeaseThresholds = {
  readonly timeout: number
  readonly eviction: number
  /** For agents that register with `tools`, where the config names none. */
  readonly withTools?: { readonly timeout: number; readonly eviction: number }
}

/** One registered agent. Immutable but for its lease; the payloads of its heartbeats are kept apart. */
export type Agent = {
  readonly id: string
  readonly definition: ServerDefinition
  readonly spec: AgentSpec
  readonly stored: StoredVersion
  readonly ownership: Ownership
  readonly lease: Lease
  /** A heartbeat brought another config than the stored one. */
  readonly hasUnstoredConfig?: true
}

/** The instance and the principal that hold an agent's id. */
export type Ownership = Pick<StoredLease, 'instance_id' | 'holder'>

/** The fields of a heartbeat, beside the sign of life. */
export type HeartbeatPayload = {
  readonly status?: SelfReportedStatus
  readonly timestamp?: string
  readonly metadata?: Readonly<Record<string, unknown>>
}

/** A validated registration: the server, the mesh's fields, and the conditions for storing it. */
export type AgentRequest = {
  readonly id: string
  readonly definition: ServerDefinition
  readonly spec: AgentSpec
  readonly instance_id?: string | undefined
  readonly takeover: boolean
  /** The version that must be stored; absent: any. */
  readonly expectedVersion?: string | undefined
  readonly countsAsHeartbeat: boolean
  /** Where it has `metadata`, the config changes with every heartbeat and makes no new version. */
  readonly payload?: HeartbeatPayload | undefined
}

/** Called for what happens to agents at this daemon, and not for the writes of other replicas. Must not throw. */
export type AgentListener = (happening: AgentHappening) => void

export type AgentHappening =
  | { readonly type: 'registered' | 'unregistered'; readonly agent: Agent; readonly principal: string }
  /** Registered with other fields, or by a heartbeat with another endpoint. */
  | { readonly type: 'changed'; readonly agent: Agent; readonly before: Agent; readonly principal: string }
  /** Removed after the retention; every replica sees it. */
  | { readonly type: 'forgotten'; readonly agent: Agent }

/** The lease terms of an agent, in ms. */
export function leaseTermsOf({ timeout_threshold, eviction_threshold }: AgentSpec): LeaseTerms {
  return { timeout: timeout_threshold * 1000, eviction: eviction_threshold * 1000 }
}

/** The id of an agent's server in the registry. */
export function serverIdOf({ id, definition }: Pick<Agent, 'id' | 'definition'>): string {
  return serverId(definition.namespace, id)
}
