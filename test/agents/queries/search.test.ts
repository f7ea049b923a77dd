import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ParameterProblem } from '../../../src/agents/errors.ts'
import { parseAgentQuery } from '../../../src/agents/queries/query-parameters.ts'
import { createTestMesh } from '../test-mesh.ts'

type Mesh = ReturnType<typeof createTestMesh>
const find = (mesh: Mesh, text: string) => mesh.find(parseAgentQuery(new URLSearchParams(text)))
const idsOf = ({ agents }: ReturnType<Mesh['find']>) => agents.map(({ agent }) => agent.id)

describe('agent search', () => {
  it('agent search finds agents by their fields, and no other servers', async () => {
    await using mesh = createTestMesh()
    mesh.define('server', { capabilities: ['a', 'b'] })
    await mesh.registerAgent('both', { capabilities: ['a', 'b'], namespace: 'team-a' })
    await mesh.registerAgent('one', { capabilities: ['a'] })

    assert.deepEqual(idsOf(find(mesh, '')), ['one', 'both'])
    assert.deepEqual(idsOf(find(mesh, 'capability=a&namespace=team-a')), ['both'])
    assert.deepEqual(idsOf(find(mesh, 'capabilities=a,b')), ['both'])
    assert.deepEqual(idsOf(find(mesh, 'status=offline')), [])
  })

  it('agent search continues page by page', async () => {
    await using mesh = createTestMesh()
    for (const id of ['a', 'b', 'c']) await mesh.registerAgent(id)

    const first = find(mesh, 'limit=2')
    const second = find(mesh, `limit=2&continue=${first.next}`)

    assert.deepEqual([idsOf(first), idsOf(second), second.next], [['a', 'b'], ['c'], undefined])
    assert.throws(() => find(mesh, 'limit=2&continue=nonsense'), ParameterProblem)
  })

  it('agent search finds shadowed agents by their own fields, after all others', async () => {
    await using mesh = createTestMesh()
    await mesh.registerAgent('a', { capabilities: ['echo'] })
    await mesh.registerAgent('z', { capabilities: ['echo'] })
    mesh.define('a')

    const { agents } = find(mesh, 'capability=echo')

    assert.deepEqual(
      agents.map(({ agent, server, winner }) => [agent.id, server?.name, winner?.source]),
      [
        ['z', 'z', undefined],
        ['a', undefined, 'files'],
      ],
    )
    await mesh.unregister('a', { principal: { name: 'root', role: 'admin', secrets: false } })
    assert.deepEqual(idsOf(find(mesh, '')), ['z'])
  })
})
