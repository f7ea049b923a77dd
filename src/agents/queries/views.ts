import type { Capability } from '../../model/capability.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import { redactServer, redactValue } from '../../model/redaction/redact.ts'
import type { Server } from '../../model/server.ts'
import type { Agent } from '../agent.ts'
import type { HeartbeatPayload } from '../parsing/registration.ts'

/** An agent, and the server it is in the registry; none where another source's definition of that name wins. */
export type AgentMatch = {
  readonly agent: Agent
  readonly server?: Server | undefined
  readonly winner?: Server | undefined
}

/** How it is: what the registry says, or its lease alone where it is shadowed. */
function statusOf({ agent, server }: AgentMatch): Server['status'] {
  return server?.status ?? agent.lease.status
}

/** When it was heard last, here or by another replica, RFC 3339; null where it never was. */
export function lastHeartbeat({ lease }: Agent): string | null {
  return lease.lastHeartbeatAt === undefined ? null : new Date(lease.lastHeartbeatAt).toISOString()
}

/** An agent in the words of the mesh registry, secrets redacted. */
export function agentView(found: AgentMatch): Record<string, unknown> {
  const { agent, server, winner } = found
  const { id, spec: facts, stored, storedLease: held, definition } = agent
  // What is not shown need not be looked through.
  const { title, description, annotations } = redactServer({
    title: definition.title,
    description: definition.description,
    annotations: definition.annotations,
  })
  return {
    id,
    name: facts.name,
    title,
    description: description ?? null,
    namespace: definition.namespace,
    labels: definition.labels,
    annotations,
    tags: definition.tags,
    created_at: stored.created_at,
    updated_at: stored.updated_at,
    resource_version: stored.resource_version,
    endpoint: redactText(facts.endpoint),
    capabilities: (server ?? definition).capabilities.map(capabilityView),
    dependencies: definition.dependencies,
    status: statusOf(found),
    last_heartbeat: lastHeartbeat(agent),
    health_interval: facts.health_interval,
    timeout_threshold: facts.timeout_threshold,
    eviction_threshold: facts.eviction_threshold,
    agent_type: facts.agent_type,
    config: redactValue(facts.config),
    security_context: redactValue(facts.security_context),
    ...(definition.version !== undefined && { version: definition.version }),
    ...(facts.transport && { transport: facts.transport }),
    ...(held.instance_id !== undefined && { instance_id: held.instance_id }),
    ...(winner && { shadowed_by: { source: winner.source, origin: redactText(winner.origin) } }),
  }
}

/** A capability in the words of the mesh registry; `input_schema` under both of its names. */
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

/** What an agent said with its last heartbeat, as everybody may see it. */
export function heartbeatPayloadView(sent: Omit<HeartbeatPayload, 'status'> | undefined): { sent?: unknown } {
  return sent ? { sent: redactValue(sent) } : {}
}

/** How an agent fares, as `GET /health/{id}` of the mesh says it. */
export function healthView(found: AgentMatch, now: number): Record<string, unknown> {
  const { agent } = found
  const { spec: facts, lease } = agent
  const status = statusOf(found)
  const silence = lease.lastHeartbeatAt === undefined ? undefined : Math.max(0, now - lease.lastHeartbeatAt) / 1000
  const expected = lease.lastHeartbeatAt === undefined ? null : lease.lastHeartbeatAt + facts.health_interval * 1000
  return {
    agent_id: agent.id,
    status,
    last_heartbeat: lastHeartbeat(agent),
    next_heartbeat_expected: expected === null ? null : new Date(expected).toISOString(),
    time_since_heartbeat: silence ?? null,
    timeout_threshold: facts.timeout_threshold,
    eviction_threshold: facts.eviction_threshold,
    is_expired: status === 'offline',
    message: messageOf(status, silence),
  }
}

function messageOf(status: string, silence: number | undefined): string {
  if (silence === undefined)
    return status === 'offline' ? 'Agent expired - no heartbeat received' : 'No heartbeat received yet'
  const seconds = `${silence.toFixed(1)}s`
  if (status === 'offline') return `Agent expired - no heartbeat for ${seconds}`
  if (status === 'unhealthy') return `Agent unhealthy - no heartbeat for ${seconds}`
  return `Agent ${status} - last heartbeat ${seconds} ago`
}
