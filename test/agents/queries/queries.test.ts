import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { UnknownAgent } from '../../../src/agents/errors.ts'
import { parseCapabilityQuery } from '../../../src/agents/queries/query-parameters.ts'
import { admin, createTestMesh } from '../test-mesh.ts'

type Mesh = ReturnType<typeof createTestMesh>
const capabilities = (mesh: Mesh, text: string) =>
  mesh
    .capabilities(parseCapabilityQuery(new URLSearchParams(text)))
    .map(({ server, capabilities: matches }) => [server.name, ...matches.map(({ name }) => name)])

describe('agent queries', () => {
  it('an agent is returned with its server, or with the definition that shadows it', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('a')
    assert.equal(mesh.get('a').server?.name, 'a')

    mesh.define('a')

    assert.deepEqual([mesh.get('a').server, mesh.get('a').winner?.source], [undefined, 'files'])
    assert.throws(() => mesh.get('b'), UnknownAgent)
  })

  it('capabilities of agents, of other servers and of shadowed agents are found together', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('a', { capabilities: ['echo'] })
    await mesh.registerAgent('s', { capabilities: ['echo.more'] })
    mesh.define('f', { capabilities: ['echo'] })
    mesh.define('s', { capabilities: ['other'] })

    assert.deepEqual(capabilities(mesh, 'name=echo'), [
      ['a', 'echo'],
      ['f', 'echo'],
      ['s', 'echo.more'],
    ])
  })

  it('agent_id selects an agent by its id, and any other server by its whole id', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('a', { capabilities: ['echo'] })
    mesh.define('f', { capabilities: ['echo'], status: 'unhealthy' })

    assert.deepEqual(capabilities(mesh, 'agent_id=a'), [['a', 'echo']])
    assert.deepEqual(capabilities(mesh, 'agent_id=default/f'), [['f', 'echo']])
    assert.deepEqual(capabilities(mesh, 'agent_id=default/f&agent_status=healthy'), [])
    assert.throws(() => capabilities(mesh, 'agent_id=f'), UnknownAgent)
  })

  it('capabilities of other servers are found where the registry accepts no agents', async () => {
    await using mesh = createTestMesh({ acceptsAgents: false })
    mesh.define('f', { capabilities: ['echo'] })

    assert.deepEqual(capabilities(mesh, ''), [['f', 'echo']])
  })

  it('the volatile version changes with every heartbeat, and is 0 for other servers', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('a')
    const id = 'default/a'
    const other = mesh.define('f')
    const before = mesh.volatileVersion(id)

    mesh.renewLease('a', { metadata: { load: 1 } }, admin)

    assert.ok(mesh.volatileVersion(id) > before)
    assert.deepEqual(mesh.volatileFields(id), {
      last_heartbeat: '1970-01-01T00:00:00.000Z',
      sent: { metadata: { load: 1 } },
    })
    assert.deepEqual([mesh.volatileVersion(other), mesh.volatileFields(other)], [0, undefined])
  })
})
