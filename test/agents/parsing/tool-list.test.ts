import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { RegistrationProblem } from '../../../src/agents/errors.ts'
import { parseToolList } from '../../../src/agents/parsing/tool-list.ts'
import { parseTools } from '../../../src/agents/parsing/tools.ts'
import { agentRequest } from '../fixtures.ts'

const schema = { type: 'object', properties: { who: { type: 'string' } } }
const sent = (name: string, fields: object = {}) => [
  {
    function_name: name,
    capability: name,
    tags: ['en'],
    kwargs: { timeout: 30 },
    inputSchema: schema,
    inputSchemaHash: 'sha256:in',
    inputSchemaCanonical: schema,
    dependencies: [{ capability: 'clock', tags: ['+fast'] }],
    ...fields,
  },
]
const copyOf = <T>(value: T) => JSON.parse(JSON.stringify(value)) as T

describe('a tool list', () => {
  it('a tool list that an agent sends again is its own, without a second parse', () => {
    const current = agentRequest('a', { tools: sent('greet') })

    const { tools, schemas } = parseToolList(copyOf(sent('greet')), current)

    assert.equal(tools, current.spec.tools)
    assert.equal(schemas, current.spec.schemas)
    assert.equal(agentRequest('a', { tools: sent('greet') }).definition.capabilities, current.definition.capabilities)
  })

  it('a tool list read from the store is kept by an agent that sends an equal one', () => {
    const stored = copyOf(agentRequest('a', { tools: sent('store') }).spec)

    for (const list of [sent('store'), sent('store', { version: '' }), sent('store')])
      assert.equal(parseToolList(list, { spec: stored }).tools, stored.tools)
  })

  it('a tool list that changes is parsed, also back to one before', () => {
    const first = parseToolList(sent('greet'), undefined)
    const current = { ...agentRequest('a'), spec: { ...agentRequest('a').spec, ...first } }

    const changed = parseToolList(sent('greet', { version: '2.0.0' }), current)

    assert.deepEqual(changed, parseTools(sent('greet', { version: '2.0.0' })))
    assert.deepEqual(parseToolList(sent('greet'), { spec: { ...current.spec, ...changed } }), first)
  })

  it('a tool list of another agent shares every equal part', () => {
    const [one, other] = [sent('one'), sent('other')].map((list) => parseToolList(copyOf(list), undefined))
    const [a, b] = [one?.tools[0], other?.tools[0]]

    assert.notEqual(a, b)
    assert.equal(a?.kwargs, b?.kwargs)
    assert.equal(a?.input_schema, b?.input_schema)
    assert.equal(a?.dependencies, b?.dependencies)
    assert.equal(one?.schemas?.['sha256:in'], other?.schemas?.['sha256:in'])
    assert.deepEqual(a, parseTools(sent('one')).tools[0], 'and is what the parser makes of it')
  })

  it('a tool list is refused in the same way at any depth', () => {
    const depths = [1, 50, 500, 100_000].map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`)
    for (const text of depths)
      assert.throws(() => parseToolList(JSON.parse(`[${text}]`), undefined), RegistrationProblem, `${text.length}`)
  })
})
