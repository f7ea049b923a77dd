import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAgentCounts } from '../../../src/agents/queries/agent-counts.ts'
import { Capability } from '../../../src/model/capability.ts'
import { registered } from '../../builders.ts'
import { testAgent } from '../fixtures.ts'

describe('agent counts', () => {
  it('agent counts count agents by status and namespace, and their capabilities by category', () => {
    const agents = [
      testAgent('a', { capabilities: ['echo'] }),
      testAgent('b', { namespace: 'team-a', capabilities: ['echo', { name: 'geo', category: 'maps' }] }),
      testAgent('shadowed', {}, { lease: { status: 'offline' } }),
    ]
    const learned = [Capability.parse({ name: 'learned' }), Capability.parse({ name: 'echo' })]
    const servers = [
      registered({ name: 'a', discovery_method: 'registered', status: 'unhealthy', capabilities: learned }),
      registered({ name: 'shadowed', discovery_method: 'config_file', status: 'healthy' }),
    ]
    const counts = createAgentCounts({
      agents: () => agents,
      registry: { get: (id) => servers.find(({ server }) => server.id === id), token: () => '1' },
    })

    assert.deepEqual(counts(), {
      agents: 3,
      by_status: { unhealthy: 1, healthy: 1, offline: 1 },
      by_namespace: { default: 2, 'team-a': 1 },
      capabilities: 4,
      capability_types: 3,
      capabilities_by_category: { none: 3, maps: 1 },
    })
  })

  it('agent counts are counted once per revision', () => {
    let [token, listings] = ['1', 0]
    const agents = () => ((listings += 1), [testAgent('a')])
    const counts = createAgentCounts({ agents, registry: { get: () => undefined, token: () => token } })

    assert.equal(counts(), counts())
    token = '2'
    counts()

    assert.equal(listings, 2)
  })
})
