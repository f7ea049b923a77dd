import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agentStatusView, healthView } from '../../../src/agents/queries/status-views.ts'
import { server } from '../../builders.ts'
import { testAgent } from '../fixtures.ts'

describe('health view', () => {
  const lastHeartbeatAt = Date.parse('2026-01-01T00:00:00Z')
  const health = (status: 'healthy' | 'unhealthy' | 'offline' | 'pending', hasHeartbeat = true) =>
    healthView(
      { agent: testAgent('a', {}, { lease: { status, lastHeartbeatAt: hasHeartbeat ? lastHeartbeatAt : undefined } }) },
      lastHeartbeatAt + 42_500,
    )

  it('health view shows the time since the last heartbeat and the time of the next', () => {
    const { time_since_heartbeat, next_heartbeat_expected, last_heartbeat, is_expired } = health('healthy')
    assert.deepEqual(
      { time_since_heartbeat, next_heartbeat_expected, last_heartbeat, is_expired },
      {
        time_since_heartbeat: 42.5,
        next_heartbeat_expected: '2026-01-01T00:00:30.000Z',
        last_heartbeat: '2026-01-01T00:00:00.000Z',
        is_expired: false,
      },
    )
    assert.equal(health('pending', false)['next_heartbeat_expected'], null)
  })

  it('health view describes the status in words', () => {
    assert.deepEqual(
      [
        health('healthy'),
        health('unhealthy'),
        health('offline'),
        health('pending', false),
        health('offline', false),
      ].map(({ message }) => message),
      [
        'Agent healthy - last heartbeat 42.5s ago',
        'Agent unhealthy - no heartbeat for 42.5s',
        'Agent expired - no heartbeat for 42.5s',
        'No heartbeat received yet',
        'Agent expired - no heartbeat received',
      ],
    )
  })
})

describe('agent status view', () => {
  it('agent status view shows the status, its reason, the lease and the availability of the functions', () => {
    const agent = testAgent(
      'a',
      { capabilities: ['echo'], description: 'not shown', health_interval: 5 },
      { lease: { lastHeartbeatAt: 0, selfReportedStatus: 'degraded' } },
    )
    const health = { since: '2026-01-01T00:00:00.000Z', reason: 'lease_lapsed' as const }

    const view = agentStatusView(
      {
        agent,
        server: server({ name: 'a', status: 'unhealthy', capabilities: agent.definition.capabilities, health }),
      },
      { echo: 'agent unhealthy' },
      2_500,
    )

    assert.deepEqual(view, {
      agent_id: 'a',
      status: 'unhealthy',
      since: '2026-01-01T00:00:00.000Z',
      reason: 'lease_lapsed',
      self_reported_status: 'degraded',
      last_heartbeat: '1970-01-01T00:00:00.000Z',
      next_heartbeat_expected: '1970-01-01T00:00:05.000Z',
      time_since_heartbeat: 2.5,
      lease: { health_interval: 5, timeout_threshold: 60, eviction_threshold: 120 },
      capabilities: [{ name: 'echo', function_name: 'echo', available: false, unavailable_reason: 'agent unhealthy' }],
      resource_version: '7',
    })
  })

  it('agent status view of a shadowed agent without a heartbeat has neither a start nor a self-report', () => {
    const agent = testAgent('a', {}, { lease: { status: 'pending', hasHeartbeat: false, lastHeartbeatAt: undefined } })

    const view = agentStatusView({ agent, winner: server({ name: 'a', source: 'files' }) }, {}, 0)

    assert.partialDeepStrictEqual(view, {
      status: 'pending',
      since: null,
      self_reported_status: null,
      last_heartbeat: null,
      time_since_heartbeat: null,
      shadowed_by: { source: 'files' },
    })
  })
})
