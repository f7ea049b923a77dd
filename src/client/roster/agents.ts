import type { Capability } from '../../model/capability.ts'
import { RosterError } from './error.ts'
import type { RosterRequests } from './requests/roster-requests.ts'

/** The registration of an agent. */
export type AgentRegistration = {
  /** Unique; also the agent's name in `/servers`. */
  readonly agent_id: string
  /** A name for people. */
  readonly name?: string
  readonly namespace?: string
  /** Its MCP endpoint, or `stdio://…` where it has no network address. */
  readonly endpoint?: string
  readonly agent_type?: string
  readonly version?: string
  /** What it can do. A plain string is a capability of that name, version 1.0.0. */
  readonly capabilities?: readonly (string | (Partial<Capability> & Pick<Capability, 'name'>))[]
  /** Names of the capabilities that it needs. */
  readonly dependencies?: readonly string[]
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  readonly tags?: readonly string[]
  /** Seconds between two heartbeats. */
  readonly health_interval?: number
  /** Seconds without a heartbeat until it is `unhealthy`. */
  readonly timeout_threshold?: number
  /** Seconds without a heartbeat until it is `offline`. */
  readonly eviction_threshold?: number
  /** Free-form data for other agents; no secrets. */
  readonly metadata?: Readonly<Record<string, unknown>>
}

export type Registration = {
  readonly status: string
  readonly agent_id: string
  readonly resource_version: string
  readonly timestamp: string
  readonly message: string
  /** For each dependency, a healthy agent that provides it, or null. */
  readonly dependencies_resolved?: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>
}

export type Heartbeat = {
  /** `degraded`: alive with problems. */
  readonly status?: 'healthy' | 'degraded' | undefined
  readonly metadata?: Readonly<Record<string, unknown>> | undefined
}

export type HeartbeatAnswer = { readonly status: string; readonly timestamp: string; readonly message?: string }

/** A dependency of one function: the capability that it calls, and which providers of it fit. */
export type MeshDependency = {
  readonly capability: string
  /** Plain tags are required, `+tag` is preferred, `-tag` is excluded; of a nested list, one is required. */
  readonly tags?: readonly (string | readonly string[])[]
  /** A range: `>=1.2.0`. */
  readonly version?: string
  /** The function is unavailable without a provider. */
  readonly required?: boolean
}

/** A function that an agent offers. */
export type MeshFunction = {
  readonly function_name: string
  readonly capability: string
  readonly version?: string
  readonly tags?: readonly string[]
  readonly description?: string
  readonly inputSchema?: Readonly<Record<string, unknown>>
  readonly kwargs?: Readonly<Record<string, unknown>>
  readonly dependencies?: readonly MeshDependency[]
}

/** The registration of an agent with functions, in the shape of published agents: a heartbeat that says everything. */
export type MeshRegistration = Omit<AgentRegistration, 'capabilities' | 'dependencies' | 'metadata'> & {
  readonly runtime?: string
  readonly description?: string
  /** The agent serves MCP at `http://{http_host}:{http_port}/mcp`; wins over `endpoint`. */
  readonly http_host?: string
  readonly http_port?: number
  /** Seconds between two heartbeats; the default of `timeout_threshold` is at least four times as much. */
  readonly heartbeat_interval?: number
  readonly tools?: readonly MeshFunction[]
  readonly capabilities?: AgentRegistration['capabilities']
  readonly dependencies?: AgentRegistration['dependencies']
  readonly health_check?: 'mcp' | 'http' | 'tcp' | 'none'
  readonly health_check_url?: string
}

/** The provider of a dependency; its texts are empty where there is none. */
export type MeshProvider = {
  readonly agent_id: string
  readonly capability: string
  readonly function_name: string
  /** The address of the provider; it serves MCP at `/mcp` below. */
  readonly endpoint: string
  readonly kwargs?: Readonly<Record<string, unknown>>
  readonly status: string
}

export type MeshAnswer = HeartbeatAnswer & {
  readonly agent_id: string
  /** By function with dependencies: their providers, in the order of declaration. */
  readonly dependencies_resolved?: Readonly<Record<string, readonly MeshProvider[]>>
}

/** What the roster says to a light heartbeat: nothing new, send the whole registration, or the agent is unknown. */
export type Renewal = 'current' | 'changed' | 'unknown'

/** The dependencies of an agent: the candidates of each, and why one was chosen. */
export type DependencyExplanation = {
  readonly agent_id: string
  readonly name: string
  readonly namespace: string
  readonly status: string
  readonly functions: readonly {
    /** Empty for an agent that depends as a whole. */
    readonly function_name: string
    readonly capability: string
    readonly dependencies: readonly ExplainedDependency[]
    readonly llm_provider?: ExplainedDependency
  }[]
  /** How many dependencies are left out. */
  readonly dependencies_omitted?: number
}

export type ExplainedDependency = {
  readonly dep_index: number
  readonly capability: string
  readonly tags: readonly (string | readonly string[])[]
  readonly version: string
  readonly required: boolean
  readonly status: 'available' | 'unavailable'
  readonly provider: { readonly agent_id: string; readonly function_name?: string; readonly endpoint: string } | null
  readonly decided_by: string
  /** A sentence for people. */
  readonly reason: string
  readonly candidates: readonly DependencyCandidate[]
  readonly candidates_omitted?: number
}

export type DependencyCandidate = {
  readonly agent_id: string
  readonly function_name: string
  readonly version: string
  readonly tags: readonly string[]
  readonly status: string
  readonly result: 'chosen' | 'equal' | 'outranked' | 'evicted'
  readonly score?: number
  /** Where an evicted candidate fell out. */
  readonly stage?: string
  readonly reason?: string
  readonly details?: Readonly<Record<string, unknown>>
}

/** What registries answer to a HEAD for an agent that they do not know, or where they know no HEAD. */
const unknownAgentStatuses: ReadonlySet<number> = new Set([404, 405, 410, 501])

type Limits = { readonly signal?: AbortSignal | undefined }

/** The requests of an agent: register, heartbeat, unregister; and the explanation of its dependencies. */
export function createAgentRequests({ request, exchange }: Pick<RosterRequests, 'request' | 'exchange'>) {
  return {
    /**
     * Registers an agent or replaces its registration. Counts as a heartbeat.
     *
     * @throws {RosterError} Status 400 for an invalid registration, 403 without the right, 503 while the store is away.
     */
    register({ agent_id, ...metadata }: AgentRegistration, { signal }: Limits = {}): Promise<Registration> {
      const body = { agent_id, metadata, timestamp: new Date().toISOString() }
      return request('/agents/register_with_metadata', { method: 'POST', body, signal, isRepeatable: true })
    },
    /**
     * Renews an agent's lease.
     *
     * @throws {RosterError} Status 404 where the agent is unknown: it has to register again.
     */
    heartbeat(agent_id: string, { status, metadata, signal }: Heartbeat & Limits = {}): Promise<HeartbeatAnswer> {
      return request('/heartbeat', { method: 'POST', body: { agent_id, status, metadata }, signal, isRepeatable: true })
    },
    /**
     * Registers an agent with its functions, or renews its registration; returns the providers of its dependencies.
     *
     * @throws {RosterError} As for `register`.
     */
    join(registration: MeshRegistration, { signal }: Limits = {}): Promise<MeshAnswer> {
      return request('/heartbeat', { method: 'POST', body: { status: 'healthy', ...registration }, signal })
    },
    /**
     * Renews an agent's lease without a body. After `changed` and `unknown` the agent has to send its registration.
     *
     * @throws {RosterError} Status 503 where the agent has to retry later.
     */
    async renew(agent_id: string, { signal }: Limits = {}): Promise<Renewal> {
      const path = `/heartbeat/${encodeURIComponent(agent_id)}`
      try {
        const { status } = await exchange(path, { method: 'HEAD', signal })
        return status === 202 ? 'changed' : 'current'
      } catch (error) {
        if (error instanceof RosterError && unknownAgentStatuses.has(error.status)) return 'unknown'
        throw error
      }
    },
    /**
     * Removes an agent from the registry.
     *
     * @throws {RosterError} Status 403 where the token does not own the agent.
     */
    async unregister(agent_id: string, { signal }: Limits = {}): Promise<void> {
      await request(`/agents/${encodeURIComponent(agent_id)}`, { method: 'DELETE', signal, isRepeatable: true })
    },
    /**
     * Explains why each dependency of an agent has its provider, or none.
     *
     * @throws {RosterError} Status 404 where the agent is unknown.
     */
    explain(agent_id: string, { signal }: Limits = {}): Promise<DependencyExplanation> {
      return request(`/dependencies/${encodeURIComponent(agent_id)}`, { signal })
    },
  }
}
