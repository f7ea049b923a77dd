import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  conditionOf,
  parseStoredAgent,
  toConfirmOperation,
  toDeleteOperation,
  toPutOperation,
} from '../../src/agents/stored-agent.ts'
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

  it('a stored agent that an earlier version wrote names the functions of its capabilities', () => {
    const tools = [{ function_name: 'greet', capability: 'greeting' }]
    const { definition, spec } = agentRequest('a', { tools })
    const capabilities = definition.capabilities.map(({ function_name: _name, ...capability }) => capability)

    const earlier = parseStoredAgent(JSON.stringify({ definition: { ...definition, capabilities }, facts: spec }))

    assert.deepEqual(earlier.definition, definition)
    assert.equal(earlier.definition.capabilities[0]?.function_name, 'greet')
  })

  it('a write takes the place of what it was checked against, and of nothing where no agent is known', () => {
    assert.equal(conditionOf(undefined), 'none')
    assert.deepEqual(conditionOf(testAgent('a')), { version: '7' })
    assert.deepEqual(toPutOperation(agentRequest('a'), undefined, conditionOf(testAgent('a'))).expect, { version: '7' })
    const key = { type: 'confirm', kind: 'agent', name: 'a' }
    assert.deepEqual(toConfirmOperation('a', undefined), { ...key, namespace: 'default', expect: 'none' })
    const known = testAgent('a', { namespace: 'team-a' })
    assert.deepEqual(toConfirmOperation('a', known), { ...key, namespace: 'team-a', expect: { version: '7' } })
  })

  it('a removal names the namespace of the agent and the known version', () => {
    const agent = testAgent('a', { namespace: 'team-a' })

    assert.deepEqual(toDeleteOperation(agent), {
      type: 'delete',
      kind: 'agent',
      namespace: 'team-a',
      name: 'a',
      expect: { version: '7' },
    })
  })
})
