import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AgentsNotAccepted, ParameterProblem } from '../../../src/agents/errors.ts'
import { parseDiscovery } from '../../../src/agents/queries/discovery.ts'
import { createTestMesh } from '../test-mesh.ts'

const namesIn = (found: readonly Record<string, unknown>[] = []) => found.map(({ name }) => name)

describe('the arguments of discover_services', () => {
  it('mean the same inside query and beside it', () => {
    const fields = { capabilities: ['a', 'b'], labels: { env: 'prod' }, limit: 3 }

    const inside = parseDiscovery({ query: fields })

    assert.deepEqual([inside.query.query.capability, inside.query.moreCapabilities], [['a'], ['b']])
    assert.deepEqual([inside.query.query.limit, inside.query.query.status], [3, ['healthy']])
    assert.deepEqual(parseDiscovery(fields), inside)
    assert.deepEqual(parseDiscovery({ query: { capabilities: ['a', 'b'] }, labels: { env: 'prod' }, limit: 3 }), inside)
  })

  it('are rejected with the right shape', () => {
    for (const [fields, name, message] of [
      [{ capabilties: ['a'] }, 'capabilties', /^capabilties is unknown: send \{"query": \{"capabilities": /],
      [{ query: { name: 'a' } }, 'name', /^name is unknown: .*version_constraint/],
      [{ query: 'weather' }, 'query', /^query must be an object: send /],
      [{ query: { status: '' }, status: 'healthy' }, 'status', /^status stands in query and beside it/],
      [{ include_servers: 'yes' }, 'include_servers', /must be true or false/],
      [{ labels: ['env=prod'] }, 'labels', /^labels must be an object/],
    ] as const)
      assert.throws(
        () => parseDiscovery(fields),
        (error) => error instanceof ParameterProblem && error.parameter === name && message.test(error.message),
      )
  })
})

describe('discover_services', () => {
  it('finds healthy agents, and other servers only where they are asked for', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('agent', { capabilities: ['echo'] })
    mesh.define('one', { capabilities: ['echo'] })
    mesh.define('two', { capabilities: ['echo', 'more'] })
    mesh.define('sick', { capabilities: ['echo'], status: 'unhealthy' })

    const agents = mesh.discover({ capabilities: ['echo'] })
    const all = mesh.discover({ capabilities: ['echo'], include_servers: true })
    const both = mesh.discover({ capabilities: ['echo', 'more'], include_servers: true })

    assert.deepEqual([namesIn(agents.agents), agents.servers, agents.count], [['agent'], undefined, 1])
    assert.deepEqual([namesIn(all.agents), namesIn(all.servers), all.count], [['agent'], ['one', 'two'], 3])
    assert.deepEqual([namesIn(both.servers), both.count], [['two'], 1])
  })

  it('hints at the servers where it finds no agent', async () => {
    await using mesh = createTestMesh()
    for (const name of ['one', 'two']) mesh.define(name, { capabilities: ['echo'] })

    assert.deepEqual(mesh.discover({ capabilities: ['echo'] }, { defaultLimit: 1 }), {
      status: 'success',
      agents: [],
      count: 0,
      hint: '2 servers match that are not agents; include_servers: true returns them.',
    })
    assert.equal(mesh.discover({ capabilities: ['other'] }).hint, undefined)
  })

  it('returns pages of agents and servers together', async () => {
    await using mesh = createTestMesh()
    for (const id of ['a', 'c']) await mesh.registerAgent(id)
    for (const name of ['b', 'd']) mesh.define(name)

    const first = mesh.discover({ include_servers: true }, { defaultLimit: 3 })
    const second = mesh.discover({ include_servers: true, limit: 3, continue: first.continue })

    assert.deepEqual([namesIn(first.agents), namesIn(first.servers), first.count], [['a', 'c'], ['b'], 3])
    assert.deepEqual([namesIn(second.agents), namesIn(second.servers), second.continue], [[], ['d'], undefined])
  })

  it('finds servers where the registry accepts no agents', async () => {
    await using mesh = createTestMesh({ acceptsAgents: false })
    mesh.define('one')

    assert.deepEqual(namesIn(mesh.discover({ include_servers: true }).servers), ['one'])
    assert.throws(() => mesh.discover({}), AgentsNotAccepted)
  })
})
