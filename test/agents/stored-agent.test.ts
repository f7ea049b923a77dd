import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseStoredAgent, precondition, toDeleteOperation, toPutOperation } from '../../src/agents/stored-agent.ts'
import { agentRequest, testAgent } from './fixtures.ts'

describe('stored agent', () => {
  it('a stored agent is read as it was written, under the key of the first database version', () => {
    const request = agentRequest('a', { labels: { env: 'prod' }, config: { level: 1 }, instance_id: 'i' })

    const put = toPutOperation(request, 'one')

    assert.deepEqual(Object.keys(JSON.parse(put.definition) as object), ['definition', 'facts'])
    assert.deepEqual(parseStoredAgent(put.definition), { definition: request.definition, spec: request.spec })
    assert.deepEqual(put.lease, { timeout: 60, eviction: 120, instance_id: 'i', holder: 'one' })
    assert.deepEqual([put.kind, put.namespace, put.name, put.expect], ['agent', 'default', 'a', 'any'])
  })

  it('a new agent needs an unused id; with an expected version its precondition never holds', () => {
    const [known, request] = [testAgent('a'), agentRequest('a')]
    const versioned = { ...request, expectedVersion: '7' }

    assert.equal(precondition(undefined, request), 'none')
    assert.deepEqual(precondition(undefined, versioned), { version: '0' })
    assert.equal(precondition(known, request), 'any')
    assert.deepEqual(precondition(known, versioned), { version: '7' })
  })

  it('a removal names the namespace of the agent and the expected version', () => {
    const agent = testAgent('a', { namespace: 'team-a' })

    assert.deepEqual(toDeleteOperation(agent, '7'), {
      type: 'delete',
      kind: 'agent',
      namespace: 'team-a',
      name: 'a',
      expect: { version: '7' },
    })
    assert.equal(toDeleteOperation(agent, undefined).expect, 'any')
  })
})
