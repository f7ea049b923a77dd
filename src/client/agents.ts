import type { Capability } from '../model/capability.ts'
import type { Wire } from './wire.ts'

/** An agent that makes itself known. */
export type AgentRegistration = {
  /** Unique; the server of this name in `/servers`. */
  readonly agent_id: string
  /** A name for people. */
  readonly name?: string
  readonly namespace?: string
  /** Where it is reached: an MCP endpoint, or `stdio://…` for one that is not reached over the network. */
  readonly endpoint?: string
  readonly agent_type?: string
  readonly version?: string
  /** What it can do; a text alone is a capability of that name. */
  readonly capabilities?: readonly (string | (Partial<Capability> & Pick<Capability, 'name'>))[]
  /** Names of the capabilities it needs. */
  readonly dependencies?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly tags?: readonly string[]
  /** Seconds between two heartbeats, and of silence after which it is `unhealthy`, then `offline`. */
  readonly health_interval?: number
  readonly timeout_threshold?: number
  readonly eviction_threshold?: number
  /** Whatever else others may want to know; no secrets. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

export type Registration = {
  readonly status: string
  readonly agent_id: string
  readonly resource_version: string
  readonly timestamp: string
  readonly message: string
  /** For each dependency, a healthy agent that has it. */
  readonly dependencies_resolved?: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>
}

export type Heartbeat = {
  /** `degraded` says: I live, but not well. */
  readonly status?: 'healthy' | 'degraded' | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

export type HeartbeatAnswer = { readonly status: string; readonly timestamp: string; readonly message?: string }

type Limits = { readonly signal?: AbortSignal | undefined }

/** The requests of an agent: it registers, shows now and then that it lives, and takes its leave. */
export function createAgentRequests({ ask }: Pick<Wire, 'ask'>) {
  return {
    /** Registers an agent, or says anew what it is. Counts as a heartbeat. */
    register({ agent_id, ...metadata }: AgentRegistration, { signal }: Limits = {}): Promise<Registration> {
      const body = { agent_id, metadata, timestamp: new Date().toISOString() }
      return ask('/agents/register_with_metadata', { method: 'POST', body, signal })
    },
    /** Says that an agent lives. A `RosterError` of status 404 means that nobody knows it: it has to register again. */
    heartbeat(agent_id: string, { status, metadata, signal }: Heartbeat & Limits = {}): Promise<HeartbeatAnswer> {
      return ask('/heartbeat', { method: 'POST', body: { agent_id, status, metadata }, signal })
    },
    /** Takes an agent out of the registry. */
    async unregister(agent_id: string, { signal }: Limits = {}): Promise<void> {
      await ask(`/agents/${encodeURIComponent(agent_id)}`, { method: 'DELETE', signal })
    },
  }
}
