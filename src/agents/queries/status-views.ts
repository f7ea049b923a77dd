import { isLapsed } from '../leases/lease.ts'
import { functionViews, type UnavailableReasons } from './function-views.ts'
import { type AgentMatch, lastHeartbeat, statusOf } from './views.ts'

/** The health of an agent, as `GET /health/{id}` of the mesh shows it. */
export function healthView(match: AgentMatch, now: number): Record<string, unknown> {
  const { agent } = match
  const { spec, lease } = agent
  const status = statusOf(match)
  const { silentSeconds, ...heartbeats } = heartbeatTimes(match, now)
  return {
    agent_id: agent.id,
    status,
    ...heartbeats,
    timeout_threshold: spec.timeout_threshold,
    eviction_threshold: spec.eviction_threshold,
    is_expired: status === 'offline' && isLapsed(lease),
    message: healthMessage(status, silentSeconds, isLapsed(lease)),
  }
}

/** The status of an agent apart from its definition, as `GET /agents/{id}/status` shows it. */
export function agentStatusView(match: AgentMatch, unavailable: UnavailableReasons, now: number): object {
  const { agent, server, winner } = match
  const { spec, lease, stored } = agent
  const { silentSeconds: _silent, ...heartbeats } = heartbeatTimes(match, now)
  return {
    agent_id: agent.id,
    status: statusOf(match),
    since: server?.health.since ?? null,
    ...(server?.health.reason !== undefined && { reason: server.health.reason }),
    self_reported_status: lease.hasHeartbeat ? lease.selfReportedStatus : null,
    ...heartbeats,
    lease: {
      health_interval: spec.health_interval,
      timeout_threshold: spec.timeout_threshold,
      eviction_threshold: spec.eviction_threshold,
    },
    capabilities: functionViews(match, unavailable).map(
      ({ name, function_name, available, unavailable_reason: reason }) => ({
        name,
        function_name,
        available,
        ...(reason !== undefined && { unavailable_reason: reason }),
      }),
    ),
    resource_version: stored.resource_version,
    ...(winner && { shadowed_by: { source: winner.source } }),
  }
}

function heartbeatTimes({ agent }: AgentMatch, now: number) {
  const { lastHeartbeatAt } = agent.lease
  const silentSeconds = lastHeartbeatAt === undefined ? undefined : Math.max(0, now - lastHeartbeatAt) / 1000
  const nextAt = lastHeartbeatAt === undefined ? null : lastHeartbeatAt + agent.spec.health_interval * 1000
  return {
    silentSeconds,
    last_heartbeat: lastHeartbeat(agent),
    next_heartbeat_expected: nextAt === null ? null : new Date(nextAt).toISOString(),
    time_since_heartbeat: silentSeconds ?? null,
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
