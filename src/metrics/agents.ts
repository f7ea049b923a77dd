import type { MeshOperations } from '../agents/mesh-operations.ts'
import type { Sample, Series } from './series.ts'

export type MeshCounts = Pick<MeshOperations, 'agentCounts' | 'counters' | 'selfPreservation'>

/** What the metrics know of the daemon itself, for those who ask under the names of the original mesh registry. */
export type AboutDaemon = {
  readonly uptime: () => number
  readonly requests: () => ReadonlyMap<string, number>
  readonly connections: () => number
}

const statuses = ['pending', 'healthy', 'degraded', 'unhealthy', 'offline'] as const

/** What is told of agents, in our names. */
export function agentSeries({ agentCounts, counters, selfPreservation }: MeshCounts): readonly Series[] {
  const counter = (name: string, help: string, value: () => number): Series => ({
    type: 'counter',
    name,
    help,
    read: () => [{ value: value() }],
  })
  return [
    {
      type: 'gauge',
      name: 'roster_agents',
      help: 'Agents that registered themselves.',
      labels: ['status'],
      read: () => byStatus(agentCounts()),
    },
    counter('roster_agent_registrations_total', 'Registrations taken.', () => counters().registrations),
    counter('roster_agent_heartbeats_total', 'Heartbeats heard.', () => counters().heartbeats),
    counter('roster_agent_lapses_total', 'Leases that ran out.', () => counters().expired),
    {
      type: 'gauge',
      name: 'roster_agent_self_preservation',
      help: '1 while most agents fell silent at once and none is taken for dead.',
      read: () => [{ value: selfPreservation() === undefined ? 0 : 1 }],
    },
  ]
}

/** The same and what else they told, in the names that dashboards of the original mesh registry use. */
export function originalSeries({ agentCounts, counters }: MeshCounts, daemon: AboutDaemon): readonly Series[] {
  const one = (type: Series['type'], name: string, help: string, value: () => number): Series => {
    return { type, name: `mcp_registry_${name}`, help, read: () => [{ value: value() }] }
  }
  const registrations = () => counters().registrations
  const heartbeats = () => counters().heartbeats
  return [
    one('gauge', 'agents_total', 'Registered agents.', () => agentCounts().agents),
    {
      type: 'gauge',
      name: 'mcp_registry_agents_by_status',
      help: 'Registered agents by status.',
      labels: ['status'],
      read: () => byStatus(agentCounts()),
    },
    one('gauge', 'capabilities_total', 'Capabilities of agents.', () => agentCounts().capabilities),
    one('gauge', 'capability_types_unique', 'Capabilities of different names.', () => agentCounts().capability_types),
    one('gauge', 'uptime_seconds', 'Since the daemon started.', daemon.uptime),
    one('counter', 'registrations_total', 'Registrations taken.', registrations),
    one('counter', 'registrations_processed_total', 'Registrations taken.', registrations),
    one('counter', 'heartbeats_total', 'Heartbeats heard.', heartbeats),
    one('counter', 'heartbeats_processed_total', 'Heartbeats heard.', heartbeats),
    one('counter', 'requests_total', 'Requests answered.', () => sum(daemon.requests(), () => true)),
    one('counter', 'errors_total', 'Requests answered with a status of 400 or above.', () =>
      sum(daemon.requests(), (key) => Number(key.split(' ')[1]) >= 400),
    ),
  ]
}

/** What the guides of the original mesh registry read at `/metrics`, as JSON. */
export function originalJson({ agentCounts, counters }: MeshCounts, daemon: AboutDaemon): Record<string, unknown> {
  const { agents, by_status, by_namespace, capabilities, capability_types, capabilities_by_category } = agentCounts()
  const { registrations, heartbeats } = counters()
  const named = statuses.map((status) => [`${status}_agents`, by_status[status] ?? 0])
  return {
    total_agents: agents,
    ...(Object.fromEntries(named) as Record<string, number>),
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
  const known = new Set<string>([...statuses, ...Object.keys(by_status)])
  return [...known].map((status) => ({ labels: { status }, value: by_status[status] ?? 0 }))
}

function sum(counts: ReadonlyMap<string, number>, counted: (key: string) => boolean): number {
  let total = 0
  for (const [key, value] of counts) if (counted(key)) total += value
  return total
}
