import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { capabilityView, functionNamesOf, functionViews } from '../../../src/agents/queries/function-views.ts'
import { Capability } from '../../../src/model/capability.ts'
import { server } from '../../builders.ts'
import { testAgent } from '../fixtures.ts'

describe('capability view', () => {
  it('capability view shows the schema under both of its names', () => {
    const schema = { type: 'object' }
    const view = capabilityView(Capability.parse({ name: 'echo', input_schema: schema }))
    assert.deepEqual([view['input_schema'], view['parameters_schema']], [schema, schema])
    const plain = capabilityView(Capability.parse({ name: 'echo' }))
    assert.deepEqual(['input_schema' in plain, plain['parameters_schema']], [false, null])
  })
})

describe('function views', () => {
  const tools = [
    { function_name: 'ask', capability: 'qa', tags: ['llm'], kwargs: { task: true } },
    { function_name: 'helper', capability: '', dependencies: [{ capability: 'clock' }] },
    { function_name: '__mesh_job_status', capability: '__mesh_job_status' },
    { function_name: 'again', capability: 'qa', version: '2.0.0', kwargs: { task: 'yes' } },
  ]
  const functionsOf = (views: readonly Record<string, unknown>[]) =>
    views.map(({ name, function_name }) => [name, function_name])

  it('function views show every function with a capability in the order of declaration, internal ones too', () => {
    const agent = testAgent('a', { tools })

    const views = functionViews({ agent }, { again: 'agent offline' })

    assert.deepEqual(functionsOf(views), [
      ['qa', 'ask'],
      ['__mesh_job_status', '__mesh_job_status'],
      ['qa', 'again'],
    ])
    assert.partialDeepStrictEqual(views[0], { tags: ['llm'], version: '1.0.0', task: true, available: true })
    assert.partialDeepStrictEqual(views[2], { available: false, unavailable_reason: 'agent offline' })
    assert.ok(!('unavailable_reason' in (views[0] ?? {})) && !('task' in (views[2] ?? {})))
    assert.deepEqual(functionNamesOf({ agent }), ['ask', 'helper', '__mesh_job_status', 'again'])
  })

  it('function views give every item of a filter as an object', () => {
    const llm_filter = { filter: ['greeting', { tags: ['a', ['b', 'c']] }, { capability: 'x', version: '>=1' }] }
    const llm_provider = { capability: 'llm', tags: ['+claude'], version: '', namespace: 'default' }
    const agent = testAgent('a', { tools: [{ function_name: 'ask', capability: 'qa', llm_filter, llm_provider }] })

    const [view] = functionViews({ agent })

    assert.deepEqual(view?.['llm_filter'], {
      filter: [{ capability: 'greeting' }, { tags: ['a'] }, { capability: 'x', version: '>=1' }],
      filter_mode: 'all',
    })
    assert.deepEqual(view?.['llm_provider'], llm_provider)
  })

  it('function views add introspected tools, once each', () => {
    const introspected = ['ask', 'extra'].map((name) =>
      Capability.parse({ name, kind: 'tool', origin: 'introspected' }),
    )
    const agent = testAgent('a', { tools: tools.slice(0, 1) })
    const registered = server({ name: 'a', capabilities: [...agent.definition.capabilities, ...introspected] })

    assert.deepEqual(functionsOf(functionViews({ agent, server: registered })), [
      ['qa', 'ask'],
      ['extra', 'extra'],
    ])
  })

  it('function views name the function of a capability without one after the capability', () => {
    assert.deepEqual(functionsOf(functionViews({ agent: testAgent('a', { capabilities: ['echo'] }) })), [
      ['echo', 'echo'],
    ])
  })
})
