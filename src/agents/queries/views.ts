import type { Capability } from '../../model/capability.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import { redactServer, redactValue } from '../../model/redaction/redact.ts'
import type { Server } from '../../model/server.ts'
import type { Agent, HeartbeatPayload } from '../agent.ts'
import { isLapsed } from '../leases/lease.ts'

/** An agent with its server in the registry, or with the winning definition that shadows it. */
export type AgentMatch = {
  readonly agent: Agent
  readonly server?: Server | undefined
  readonly winner?: Server | undefined
}

/** The status in the registry; the lease's status for a shadowed agent. */
function statusOf({ agent, server }: AgentMatch): Server['status'] {
  return server?.status ?? agent.lease.status
}

/** Time of the last heartbeat, here or at another replica, RFC 3339; null before the first. */
export function lastHeartbeat({ lease }: Agent): string | null {
  return lease.lastHeartbeatAt === undefined ? null : new Date(lease.lastHeartbeatAt).toISOString()
}

/** An agent in the fields of the mesh registry, secrets redacted. */
export function agentView(match: AgentMatch): Record<string, unknown> {
  const { agent, server, winner } = match
  const { id, spec, stored, ownership, definition } = agent
  // Only the fields shown are redacted: redaction is the main cost here.
  const { title, description, annotations } = redactServer({
    title: definition.title,
    description: definition.description,
    annotations: definition.annotations,
  })
  return {
    id,
    name: spec.name,
    title,
    description: description ?? null,
    namespace: definition.namespace,
    labels: definition.labels,
    annotations,
    tags: definition.tags,
    created_at: stored.created_at,
    updated_at: stored.updated_at,
    resource_version: stored.resource_version,
    endpoint: redactText(spec.endpoint),
    capabilities: (server ?? definition).capabilities.map(capabilityView),
    dependencies: definition.dependencies,
    status: statusOf(match),
    last_heartbeat: lastHeartbeat(agent),
    health_interval: spec.health_interval,
    timeout_threshold: spec.timeout_threshold,
    eviction_threshold: spec.eviction_threshold,
    agent_type: spec.agent_type,
    config: redactValue(spec.config),
    security_context: redactValue(spec.security_context),
    ...(definition.version !== undefined && { version: definition.version }),
    ...(spec.transport && { transport: spec.transport }),
    ...(ownership.instance_id !== undefined && { instance_id: ownership.instance_id }),
    ...(winner && { shadowed_by: { source: winner.source, origin: redactText(winner.origin) } }),
  }
}

/** A capability in the fields of the mesh registry; `input_schema` under both of its names. */
export function capabilityView({ input_schema, ...capability }: Capability): Record<string, unknown> {
  return {
    description: null,
    category: null,
    ...capability,
    parameters_schema: input_schema ?? null,
    ...(input_schema && { input_schema }),
    compatibility_versions: [],
    security_requirements: null,
  }
}

/** The payload of an agent's last heartbeat, secrets redacted. */
export function heartbeatPayloadView(payload: Omit<HeartbeatPayload, 'status'> | undefined): { sent?: unknown } {
  return payload ? { sent: redactValue(payload) } : {}
}

/** The health of an agent, as `GET /health/{id}` of the mesh shows it. */
export function healthView(match: AgentMatch, now: number): Record<string, unknown> {
  const { agent } = match
  const { spec, lease } = agent
  const { lastHeartbeatAt } = lease
  const status = statusOf(match)
  const silentSeconds = lastHeartbeatAt === undefined ? undefined : Math.max(0, now - lastHeartbeatAt) / 1000
  const nextAt = lastHeartbeatAt === undefined ? null : lastHeartbeatAt + spec.health_interval * 1000
  return {
    agent_id: agent.id,
    status,
    last_heartbeat: lastHeartbeat(agent),
    next_heartbeat_expected: nextAt === null ? null : new Date(nextAt).toISOString(),
    time_since_heartbeat: silentSeconds ?? null,
    timeout_threshold: spec.timeout_threshold,
    eviction_threshold: spec.eviction_threshold,
    is_expired: status === 'offline' && isLapsed(lease),
    message: healthMessage(status, silentSeconds, isLapsed(lease)),
  }
}

function healthMessage(status: string, silentSeconds: number | undefined, hasLapsed: boolean): string {
  if (silentSeconds === undefined)
    return status === 'offline' ? 'Agent expired - no heartbeat received' : 'No heartbeat received yet'
  const seconds = `${silentSeconds.toFixed(1)}s`
  if (hasLapsed && status === 'offline') return `Agent expired - no heartbeat for ${seconds}`
  if (hasLapsed && status === 'unhealthy') return `Agent unhealthy - no heartbeat for ${seconds}`
  return `Agent ${status} - last heartbeat ${seconds} ago`
}
