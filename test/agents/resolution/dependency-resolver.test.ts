import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDependencyResolver } from '../../../src/agents/resolution/dependency-resolver.ts'
import { createTestMesh } from '../test-mesh.ts'

describe('dependency resolver', () => {
  it('dependency resolver prefers agents to other servers, and healthy servers to none', async () => {
    await using mesh = createTestMesh()
    const resolver = createDependencyResolver(mesh)
    const providerOf = () => resolver.resolve('dependent', ['echo'])?.['echo']?.agent_id

    assert.equal(providerOf(), undefined)
    mesh.define('down', { capabilities: ['echo'], status: 'unhealthy' })
    assert.equal(providerOf(), undefined)
    const server = mesh.define('up', { capabilities: ['echo'] })
    assert.equal(providerOf(), server)
    const other = createDependencyResolver(mesh)
    await mesh.registerAgent('agent', { capabilities: ['echo'] })
    assert.equal(other.resolve('dependent', ['echo'])?.['echo']?.agent_id, 'agent')
  })

  it('dependency resolver takes no server whose capability of that name is a prompt', async () => {
    await using mesh = createTestMesh()
    const resolver = createDependencyResolver(mesh)
    mesh.define('asks', { capabilities: [{ name: 'echo', kind: 'prompt' }] })

    assert.equal(resolver.resolve('dependent', ['echo'])?.['echo'], null)
    const server = mesh.define('echoes', { capabilities: [{ name: 'echo', kind: 'tool' }] })
    assert.equal(resolver.resolve('dependent', ['echo'])?.['echo']?.agent_id, server)
  })

  it('dependency resolver keeps a provider until it loses its health or the capability', async () => {
    await using mesh = createTestMesh()
    const resolver = createDependencyResolver(mesh)
    const providerOf = () => resolver.resolve('dependent', ['echo'])?.['echo']?.agent_id
    await mesh.registerAgent('first', { capabilities: ['echo'] })
    assert.equal(providerOf(), 'first')
    await mesh.registerAgent('second', { capabilities: ['echo'] })
    assert.equal(providerOf(), 'first')

    await mesh.registerAgent('first', { capabilities: ['other'] })

    assert.equal(providerOf(), 'second')
  })

  it('dependency resolver reports a change until the agent has received it, and forgets removed agents', async () => {
    await using mesh = createTestMesh()
    const resolver = createDependencyResolver(mesh)
    resolver.resolve('dependent', ['echo'])
    assert.equal(resolver.haveChanged('dependent', ['echo']), false)

    await mesh.registerAgent('a', { capabilities: ['echo'], endpoint: 'http://user:secret@a.example' })

    assert.equal(resolver.haveChanged('dependent', ['echo']), true)
    const { echo } = resolver.resolve('dependent', ['echo']) ?? {}
    assert.deepEqual([echo?.agent_id, echo?.status], ['a', 'healthy'])
    assert.doesNotMatch(echo?.endpoint ?? '', /secret/)
    assert.equal(resolver.haveChanged('dependent', ['echo']), false)
    resolver.forget('dependent')
    assert.equal(resolver.haveChanged('dependent', ['echo']), true)
    assert.equal(resolver.haveChanged('dependent', []), false)
  })
})
