import type { Agent } from '../../../client/index.ts'
import { servers } from '../../data/live-servers.ts'

/** An agent as `/agents` and `/agents/{id}` show it. */
export type AgentView = Agent & {
  /** These three in seconds. */
  readonly health_interval: number
  readonly timeout_threshold: number
  readonly eviction_threshold: number
  readonly total_dependencies: number
  readonly dependencies_resolved: number
  readonly created_at: string
  readonly tags: readonly string[]
  readonly version?: string
  readonly runtime?: string
  readonly instance_id?: string
  readonly shadowed_by?: { readonly source: string; readonly origin: string }
  readonly description: string | null
  /** Payload of the last heartbeat; only of a single agent. */
  readonly sent?: Readonly<Record<string, unknown>>
}

export type AgentPageAnswer = { readonly agents: readonly AgentView[]; readonly continue?: string }

/** `GET /agents/{id}/status`. */
export type AgentStatus = {
  readonly since: string | null
  readonly reason?: string
  readonly self_reported_status: string | null
}

/** Parts of the address of a provider: an agent by its id, a server of another source by `namespace/name`. */
export function providerPlace(id: string): readonly string[] {
  const row = servers.rows.get(id)
  // The id of an agent may have a slash too.
  return row && row.method !== 'registered' ? ['servers', row.namespace, row.name] : ['agents', id]
}
