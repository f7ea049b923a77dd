import { redactData, redactDataForms, redactServer } from '../../model/redaction/redact-server.ts'
import { redactText } from '../../model/redaction/redact-text.ts'
import type { Server } from '../../model/server.ts'
import type { Agent, HeartbeatPayload } from '../agent.ts'
import type { AgentResolutions } from '../resolution/resolution-port.ts'
import { functionViews, type UnavailableReasons } from './function-views.ts'

/** An agent with its server in the registry, or with the winning definition that shadows it. */
export type AgentMatch = {
  readonly agent: Agent
  readonly server?: Server | undefined
  readonly winner?: Server | undefined
}

/** What other agents make of an agent: its providers, and whether its functions are available. */
export type AgentRelations = {
  readonly resolutions: AgentResolutions
  readonly unavailable: UnavailableReasons
}

/** The status in the registry; the lease's status for a shadowed agent. */
export function statusOf({ agent, server }: AgentMatch): Server['status'] {
  return server?.status ?? agent.lease.status
}

/** Time of the last heartbeat, here or at another replica, RFC 3339; null before the first. */
export function lastHeartbeat({ lease }: Agent): string | null {
  return lease.lastHeartbeatAt === undefined ? null : new Date(lease.lastHeartbeatAt).toISOString()
}

/** An agent in the fields of the mesh registry, secrets redacted, with the time of its last heartbeat. */
export function agentView(match: AgentMatch, relations: AgentRelations): Record<string, unknown> {
  const heard = lastHeartbeat(match.agent)
  return { ...untimedAgentView(match, relations), last_heartbeat: heard, last_seen: heard }
}

/** An agent without the times that every heartbeat changes. */
export function untimedAgentView(match: AgentMatch, relations: AgentRelations): Record<string, unknown> {
  const { config, security_context } = match.agent.spec
  return {
    ...registeredView(match),
    capabilities: functionViews(match, relations.unavailable),
    config: redactData(config),
    security_context: redactData(security_context),
    ...relations.resolutions,
  }
}

/** An agent as the revisions of the registry know it: without times, without its config, and without its relations. */
export function versionedAgentView(match: AgentMatch): Record<string, unknown> {
  return {
    ...registeredView(match),
    capabilities: functionViews(match),
    security_context: redactData(match.agent.spec.security_context),
  }
}

function registeredView(match: AgentMatch): Record<string, unknown> {
  const { agent, winner } = match
  const { id, spec, stored, ownership, definition } = agent
  const { title, description, annotations, version, dependencies } = redactServer({
    title: definition.title,
    description: definition.description,
    annotations: definition.annotations,
    version: definition.version,
    dependencies: definition.dependencies,
  })
  return {
    id,
    name: spec.name,
    title,
    description: description ?? null,
    namespace: definition.namespace,
    labels: definition.labels,
    annotations,
    tags: redactDataForms(definition.tags),
    created_at: stored.created_at,
    updated_at: stored.updated_at,
    resource_version: stored.resource_version,
    endpoint: redactText(spec.endpoint),
    dependencies,
    status: statusOf(match),
    health_interval: spec.health_interval,
    timeout_threshold: spec.timeout_threshold,
    eviction_threshold: spec.eviction_threshold,
    agent_type: spec.agent_type,
    ...runtimeView(spec),
    a2a_producer: spec.a2a_producer ?? false,
    a2a_consumer: spec.a2a_consumer ?? false,
    ...(version !== undefined && { version }),
    ...(spec.transport && { transport: spec.transport }),
    ...(ownership.instance_id !== undefined && { instance_id: ownership.instance_id }),
    ...(winner && { shadowed_by: { source: winner.source, origin: redactText(winner.origin) } }),
  }
}

/** As in the original, a runtime that does not name itself is Python: the first ones did not. */
function runtimeView({ runtime, tools }: Agent['spec']): { runtime?: string } {
  if (runtime !== undefined) return { runtime }
  return tools ? { runtime: 'python' } : {}
}

/** The load that a heartbeat reports in its metadata: a number, or its text as the mesh's agents send it (`"0.65"`, `"65%"`). */
export function loadIn(payload: Pick<HeartbeatPayload, 'metadata'> | undefined): number | undefined {
  const { load } = payload?.metadata ?? {}
  if (typeof load === 'number') return load >= 0 && Number.isFinite(load) ? load : undefined
  const [, digits, percent] =
    typeof load === 'string' ? (/^\s*(\d{1,9}(?:\.\d{1,9})?)\s*(%?)\s*$/.exec(load) ?? []) : []
  return digits === undefined ? undefined : Number(digits) / (percent ? 100 : 1)
}

/** The payload of an agent's last heartbeat, secrets redacted. */
export function heartbeatPayloadView(payload: Omit<HeartbeatPayload, 'status'> | undefined): { sent?: unknown } {
  return payload ? { sent: redactData(payload) } : {}
}
