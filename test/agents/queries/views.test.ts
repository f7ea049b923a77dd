import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  type AgentRelations,
  agentView,
  heartbeatPayloadView,
  versionedAgentView,
} from '../../../src/agents/queries/views.ts'
import { server } from '../../builders.ts'
import { testAgent } from '../fixtures.ts'

const relations: AgentRelations = {
  resolutions: {
    total_dependencies: 1,
    dependencies_resolved: 0,
    dependency_resolutions: [{ function_name: '', capability: 'maps', status: 'unresolved' }],
    llm_tool_resolutions: [],
    llm_provider_resolutions: [],
  },
  unavailable: {},
}

describe('agent view', () => {
  it('agent view shows the status of the registry, and of the lease where the agent is shadowed', () => {
    const agent = testAgent('a', {}, { lease: { status: 'offline' } })
    const winner = server({ name: 'a', source: 'files', origin: 'team.yaml' })

    assert.equal(agentView({ agent, server: server({ name: 'a', status: 'healthy' }) }, relations)['status'], 'healthy')
    const shadowed = agentView({ agent, winner }, relations)
    assert.equal(shadowed['status'], 'offline')
    assert.deepEqual(shadowed['shadowed_by'], { source: 'files', origin: 'team.yaml' })
  })

  it('agent view redacts secrets', () => {
    const agent = testAgent('a', {
      endpoint: 'http://user:hunter2@a.example/mcp',
      annotations: { api_key: 'hunter2' },
      config: { password: 'hunter2', level: 1 },
    })

    const view = agentView({ agent }, relations)

    assert.doesNotMatch(JSON.stringify(view), /hunter2/)
    assert.deepEqual(view['config'], { password: '<redacted>', level: 1 })
    assert.deepEqual(heartbeatPayloadView({ metadata: { token: 'hunter2' } }), {
      sent: { metadata: { token: '<redacted>' } },
    })
    assert.deepEqual(heartbeatPayloadView(undefined), {})
  })

  it('agent view shows what other agents make of it, and the last heartbeat under both of its names', () => {
    const agent = testAgent('a', { capabilities: ['echo'] }, { lease: { lastHeartbeatAt: 1_000 } })

    const view = agentView({ agent }, { ...relations, unavailable: { echo: 'agent offline' } })

    assert.partialDeepStrictEqual(view, {
      ...relations.resolutions,
      last_heartbeat: '1970-01-01T00:00:01.000Z',
      last_seen: '1970-01-01T00:00:01.000Z',
      a2a_producer: false,
      a2a_consumer: false,
      capabilities: [{ name: 'echo', function_name: 'echo', available: false, unavailable_reason: 'agent offline' }],
    })
  })

  it('agent view calls a runtime with tools that does not name itself Python', () => {
    const runtimeOf = (fields: object) => agentView({ agent: testAgent('a', fields) }, relations)['runtime']

    assert.deepEqual(
      [runtimeOf({ tools: [] }), runtimeOf({ tools: [], runtime: 'java' }), runtimeOf({ capabilities: [] })],
      ['python', 'java', undefined],
    )
  })

  it('agent view of a revision has neither times nor config nor relations', () => {
    const view = versionedAgentView({ agent: testAgent('a', { config: { level: 1 }, capabilities: ['echo'] }) })

    for (const field of ['last_heartbeat', 'last_seen', 'config', 'dependency_resolutions'])
      assert.ok(!(field in view), field)
    assert.ok(!JSON.stringify(view['capabilities']).includes('available'))
  })
})
