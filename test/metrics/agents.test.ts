import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agentMetrics, type MeshCounts, originalMeshJson, originalMeshMetrics } from '../../src/metrics/agents.ts'
import { samplesOf } from './samples.ts'

const mesh = {
  agentCounts: () => ({
    agents: 3,
    by_status: { healthy: 2, offline: 1 },
    by_namespace: { default: 3 },
    capabilities: 5,
    capability_types: 4,
    capabilities_by_category: {},
  }),
  counters: () => ({ registrations: 7, heartbeats: 90, expired: 1 }),
  selfPreservation: () => undefined,
} as MeshCounts

const daemon = {
  uptime: () => 12.34,
  requests: () =>
    new Map([
      ['GET 200', 5],
      ['GET 404', 2],
    ]),
  connections: () => 6,
}

describe('metrics of agents', () => {
  it('count agents by status, with 0 for the statuses that no agent has', () => {
    const samples = samplesOf(agentMetrics(mesh))
    assert.deepEqual(
      samples.filter((sample) => sample.startsWith('roster_agents')),
      [
        'roster_agents{status="pending"} 0',
        'roster_agents{status="healthy"} 2',
        'roster_agents{status="degraded"} 0',
        'roster_agents{status="unhealthy"} 0',
        'roster_agents{status="offline"} 1',
      ],
    )
    assert.ok(samples.includes('roster_agent_lapses_total 1'))
    assert.ok(samples.includes('roster_agent_self_preservation 0'))
  })

  it('repeat under the names of the original mesh registry', () => {
    const samples = samplesOf(originalMeshMetrics(mesh, daemon))
    for (const sample of [
      'mcp_registry_agents_total 3',
      'mcp_registry_agents_by_status{status="healthy"} 2',
      'mcp_registry_capabilities_total 5',
      'mcp_registry_capability_types_unique 4',
      'mcp_registry_uptime_seconds 12.34',
      'mcp_registry_registrations_processed_total 7',
      'mcp_registry_heartbeats_processed_total 90',
      'mcp_registry_requests_total 7',
      'mcp_registry_errors_total 2',
    ])
      assert.ok(samples.includes(sample), sample)
  })

  it('have the JSON form of the original mesh registry', () => {
    const json = originalMeshJson(mesh, daemon)
    assert.deepEqual(
      [json['total_agents'], json['healthy_agents'], json['pending_agents'], json['expired_agents']],
      [3, 2, 0, 1],
    )
    assert.deepEqual([json['active_connections'], json['uptime_seconds']], [6, 12.3])
  })
})
