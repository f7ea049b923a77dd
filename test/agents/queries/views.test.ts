import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { agentView, capabilityView, healthView, heartbeatPayloadView } from '../../../src/agents/queries/views.ts'
import { Capability } from '../../../src/model/capability.ts'
import { server } from '../../builders.ts'
import { testAgent } from '../fixtures.ts'

describe('agent view', () => {
  it('agent view shows the status of the registry, and of the lease where the agent is shadowed', () => {
    const agent = testAgent('a', {}, { lease: { status: 'offline' } })
    const winner = server({ name: 'a', source: 'files', origin: 'team.yaml' })

    assert.equal(agentView({ agent, server: server({ name: 'a', status: 'healthy' }) })['status'], 'healthy')
    const shadowed = agentView({ agent, winner })
    assert.equal(shadowed['status'], 'offline')
    assert.deepEqual(shadowed['shadowed_by'], { source: 'files', origin: 'team.yaml' })
  })

  it('agent view redacts secrets', () => {
    const agent = testAgent('a', {
      endpoint: 'http://user:hunter2@a.example/mcp',
      annotations: { api_key: 'hunter2' },
      config: { password: 'hunter2', level: 1 },
    })

    const view = agentView({ agent })

    assert.doesNotMatch(JSON.stringify(view), /hunter2/)
    assert.deepEqual(view['config'], { password: '<redacted>', level: 1 })
    assert.deepEqual(heartbeatPayloadView({ metadata: { token: 'hunter2' } }), {
      sent: { metadata: { token: '<redacted>' } },
    })
    assert.deepEqual(heartbeatPayloadView(undefined), {})
  })
})

describe('capability view', () => {
  it('capability view shows the schema under both of its names', () => {
    const schema = { type: 'object' }
    const view = capabilityView(Capability.parse({ name: 'echo', input_schema: schema }))
    assert.deepEqual([view['input_schema'], view['parameters_schema']], [schema, schema])
    const plain = capabilityView(Capability.parse({ name: 'echo' }))
    assert.deepEqual(['input_schema' in plain, plain['parameters_schema']], [false, null])
  })
})

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
