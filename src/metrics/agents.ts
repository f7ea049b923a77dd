import type { MeshOperations } from '../agents/mesh-operations.ts'
import { countRequests } from './daemon.ts'
import { counter, gauge, type Metric, type Sample } from './metric.ts'

export type MeshCounts = Pick<MeshOperations, 'agentCounts' | 'counters' | 'selfPreservation'>

/** What the metrics of the original mesh registry need of the daemon. */
export type DaemonFigures = {
  /** Seconds since the start. */
  readonly uptime: () => number
  /** Requests answered, by `METHOD STATUS`. */
  readonly requests: () => ReadonlyMap<string, number>
  readonly connections: () => number
}

const statuses = ['pending', 'healthy', 'degraded', 'unhealthy', 'offline'] as const

/** Metrics of agents. */
export function agentMetrics({ agentCounts, counters, selfPreservation }: MeshCounts): readonly Metric[] {
  return [
    {
      type: 'gauge',
      name: 'roster_agents',
      help: 'Registered agents.',
      labels: ['status'],
      read: () => byStatus(agentCounts()),
    },
    counter('roster_agent_registrations_total', 'Registrations accepted.', () => counters().registrations),
    counter('roster_agent_heartbeats_total', 'Heartbeats received.', () => counters().heartbeats),
    counter('roster_agent_lapses_total', 'Leases expired.', () => counters().expired),
    gauge(
      'roster_agent_self_preservation',
      '1 while expired leases are ignored, because most agents fell silent at once.',
      () => (selfPreservation() === undefined ? 0 : 1),
    ),
  ]
}

/** The same metrics and some of the daemon, under the names that dashboards of the original mesh registry use. */
export function originalMeshMetrics({ agentCounts, counters }: MeshCounts, daemon: DaemonFigures): readonly Metric[] {
  const registrations = () => counters().registrations
  const heartbeats = () => counters().heartbeats
  return [
    untyped('mcp_registry_agents_total', 'Registered agents.', () => agentCounts().agents),
    {
      type: 'gauge',
      name: 'mcp_registry_agents_by_status',
      help: 'Registered agents by status.',
      labels: ['status'],
      read: () => byStatus(agentCounts()),
    },
    untyped('mcp_registry_capabilities_total', 'Capabilities of all agents.', () => agentCounts().capabilities),
    gauge(
      'mcp_registry_capability_types_unique',
      'Distinct names of capabilities.',
      () => agentCounts().capability_types,
    ),
    gauge('mcp_registry_uptime_seconds', 'Seconds since the start of the daemon.', daemon.uptime),
    counter('mcp_registry_registrations_total', 'Registrations accepted.', registrations),
    counter('mcp_registry_registrations_processed_total', 'Registrations accepted.', registrations),
    counter('mcp_registry_heartbeats_total', 'Heartbeats received.', heartbeats),
    counter('mcp_registry_heartbeats_processed_total', 'Heartbeats received.', heartbeats),
    counter('mcp_registry_requests_total', 'HTTP requests answered.', () => countRequests(daemon.requests())),
    counter('mcp_registry_errors_total', 'HTTP requests answered with a status of 400 or above.', () =>
      countRequests(daemon.requests(), (status) => status >= 400),
    ),
  ]
}

/** The JSON that `/metrics` of the original mesh registry returns. */
export function originalMeshJson(
  { agentCounts, counters }: MeshCounts,
  daemon: DaemonFigures,
): Record<string, unknown> {
  const { agents, by_status, by_namespace, capabilities, capability_types, capabilities_by_category } = agentCounts()
  const { registrations, heartbeats } = counters()
  const agentsOf = statuses.map((status) => [`${status}_agents`, by_status[status] ?? 0])
  return {
    total_agents: agents,
    ...(Object.fromEntries(agentsOf) as Record<string, number>),
    expired_agents: by_status['offline'] ?? 0,
    agents_by_status: by_status,
    agents_by_namespace: by_namespace,
    total_capabilities: capabilities,
    unique_capability_types: capability_types,
    capabilities_by_category,
    registrations_processed: registrations,
    heartbeats_processed: heartbeats,
    active_connections: daemon.connections(),
    memory_usage_mb: Math.round((process.memoryUsage.rss() / 1024 / 1024) * 10) / 10,
    uptime_seconds: Math.round(daemon.uptime() * 10) / 10,
    last_updated: new Date().toISOString(),
  }
}

function byStatus({ by_status }: ReturnType<MeshOperations['agentCounts']>): readonly Sample[] {
  const all = new Set<string>([...statuses, ...Object.keys(by_status)])
  return Array.from(all, (status) => ({ labels: { status }, value: by_status[status] ?? 0 }))
}

/** A gauge whose name ends as that of a counter: as a gauge, `promtool check metrics` rejects it. */
function untyped(name: string, help: string, value: () => number): Metric {
  return { ...gauge(name, help, value), type: 'untyped' }
}
