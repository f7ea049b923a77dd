import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AgentsNotAccepted, PermissionDenied, QuotaExceeded, UnknownAgent } from '../../src/agents/errors.ts'
import { admin, createTestMesh, registrarOf } from './test-mesh.ts'

describe('mesh operations', () => {
  it('every write is logged with its principal and the versions before and after', async () => {
    await using mesh = createTestMesh()
    const { agent: first } = await mesh.registerAgent('a', {}, registrarOf('one'))
    const { agent: second } = await mesh.registerAgent('a', { version: '2.0.0' }, registrarOf('one'))
    await mesh.registerAgent('a', { version: '2.0.0' }, registrarOf('one'))
    await mesh.unregister('a', { principal: admin })

    const [before, after] = [first.stored.resource_version, second.stored.resource_version]
    assert.deepEqual(mesh.logged, [
      { audit: true, principal: 'one', agent: 'a', before: undefined, after: before, message: 'agent registered' },
      { audit: true, principal: 'one', agent: 'a', before, after, message: 'agent changed' },
      { audit: true, principal: 'root', agent: 'a', before: after, after: undefined, message: 'agent unregistered' },
    ])
  })

  it('a registration by an agent of another token is rejected, and changes nothing', async () => {
    await using mesh = createTestMesh()
    const { agent } = await mesh.registerAgent('a', {}, registrarOf('one'))

    await assert.rejects(mesh.registerAgent('a', { version: '2.0.0' }, registrarOf('two')), PermissionDenied)
    assert.throws(() => mesh.renewLease('a', {}, registrarOf('two')), PermissionDenied)
    await assert.rejects(mesh.unregister('a', { principal: registrarOf('two') }), PermissionDenied)

    assert.equal(mesh.get('a').agent, agent)
  })

  it('a token holds no more agents than its limit, and may change those it holds', async () => {
    await using mesh = createTestMesh()
    const principal = registrarOf('one', { max_agents: 1 })
    await mesh.registerAgent('a', {}, principal)

    await assert.rejects(mesh.registerAgent('b', {}, principal), QuotaExceeded)
    await mesh.registerAgent('a', { version: '2.0.0' }, principal)
    await mesh.unregister('a', { principal })
    await mesh.registerAgent('b', {}, principal)

    assert.equal(mesh.agents.size(), 1)
  })

  it('a heartbeat with another endpoint changes the agent, one with a registration registers it', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('a', { endpoint: 'http://a.example/one' })

    const beat = (payload: object) => mesh.heartbeat({ agent_id: 'a', payload }, admin)
    await beat({ metadata: { endpoint: 'http://a.example/two' } })
    await mesh.heartbeat({ agent_id: 'b', payload: {}, registration: { id: 'b', agent_type: 'worker' } }, admin)

    assert.equal(mesh.get('a').server?.url, 'http://a.example/two')
    assert.equal(mesh.get('b').agent.lease.status, 'healthy')
    await assert.rejects(mesh.heartbeat({ agent_id: 'c', payload: {} }, admin), UnknownAgent)
  })

  it('a heartbeat without a body keeps the self-reported status', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('a')
    mesh.renewLease('a', { status: 'degraded' }, admin)

    assert.equal(mesh.keepAlive('a', admin).lease.status, 'degraded')
    assert.throws(() => mesh.keepAlive('b', admin), UnknownAgent)
  })

  it('an agent learns when its dependencies resolve to other providers', async () => {
    await using mesh = createTestMesh()
    const { agent, dependencies } = await mesh.registerAgent('a', { dependencies: ['echo'] })
    assert.deepEqual(dependencies, { echo: null })
    assert.equal(mesh.haveProvidersChanged(agent), false)

    await mesh.registerAgent('b', { capabilities: ['echo'] })

    assert.equal(mesh.haveProvidersChanged(agent), true)
    assert.equal(mesh.resultFor(agent).dependencies?.['echo']?.agent_id, 'b')
    assert.equal(mesh.haveProvidersChanged(agent), false)
  })

  it('every operation is rejected where the config has no source of agents', async () => {
    await using mesh = createTestMesh({ acceptsAgents: false })

    await assert.rejects(mesh.registerAgent('a'), AgentsNotAccepted)
    assert.throws(() => mesh.get('a'), AgentsNotAccepted)
  })
})
