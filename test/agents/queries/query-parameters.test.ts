import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ParameterProblem } from '../../../src/agents/errors.ts'
import {
  parseAgentQuery,
  parseCapabilityQuery,
  parseDiscoveryQuery,
  toParameters,
} from '../../../src/agents/queries/query-parameters.ts'

const agentQuery = (text: string) => parseAgentQuery(new URLSearchParams(text))
const capabilityQuery = (text: string) => parseCapabilityQuery(new URLSearchParams(text))
const isProblemOf = (parameter: string, message: RegExp) => (error: unknown) =>
  error instanceof ParameterProblem && error.parameter === parameter && message.test(error.message)

describe('agent query', () => {
  it('agent query ignores unknown parameters, and treats empty ones as absent', () => {
    const { query, moreCapabilities, cursor } = agentQuery('status=&namespace=team-a&odd=1&continue=')
    assert.deepEqual(query.namespace, ['team-a'])
    assert.deepEqual(query.status, [])
    assert.deepEqual([moreCapabilities, cursor], [[], undefined])
  })

  it('agent query requires every one of several capabilities', () => {
    const one = agentQuery('capabilities=a,b&capabilities=c')
    assert.deepEqual([one.query.capability, one.moreCapabilities], [['a'], ['b', 'c']])
    const two = agentQuery('capability=x&capabilities=a,b')
    assert.deepEqual([two.query.capability, two.moreCapabilities], [['x'], ['a', 'b']])
  })

  it('a problem names the parameter as it was sent', () => {
    assert.throws(() => agentQuery('stability=shaky'), isProblemOf('stability', /^stability: /))
    assert.throws(() => agentQuery('capability_stability=shaky'), isProblemOf('capability_stability', /^capability_st/))
    assert.throws(() => agentQuery('label_selector=%3D'), isProblemOf('label_selector', /^Invalid label selector/))
  })
})

describe('discovery query', () => {
  it('discovery query matches healthy agents unless it names a status', () => {
    assert.deepEqual(parseDiscoveryQuery({}).query.status, ['healthy'])
    assert.deepEqual(parseDiscoveryQuery({ status: ['offline', 'pending'] }).query.status, ['offline', 'pending'])
  })

  it('discovery query turns labels into a label selector', () => {
    const { query } = parseDiscoveryQuery({ labels: { env: 'prod', level: 1 } })
    assert.deepEqual(query.label_selector, agentQuery('label_selector=env%3Dprod,level%3D1').query.label_selector)
  })
})

describe('capability query', () => {
  it('capability query matches a part of the name by default, the whole name with exact, near names with fuzzy_match', () => {
    const matchOf = (text: string) => capabilityQuery(text).match
    assert.deepEqual(['name=a', 'name=a&exact=yes', 'name=a&fuzzy_match=1&exact=1', 'exact=off'].map(matchOf), [
      'part',
      'exact',
      'fuzzy',
      'part',
    ])
    assert.deepEqual(capabilityQuery('name=*').names, [])
    assert.throws(() => capabilityQuery('exact=maybe'), isProblemOf('exact', /must be true or false/))
    assert.throws(() => capabilityQuery('fuzzy_match=true&exact=maybe'), isProblemOf('exact', /must be true or false/))
  })

  it('capability query matches healthy servers unless it names a status or an agent', () => {
    assert.deepEqual(capabilityQuery('').query.status, ['healthy'])
    assert.deepEqual(capabilityQuery('agent_id=a').query.status, [])
    assert.deepEqual(capabilityQuery('agent_status=offline').query.status, ['offline'])
    assert.deepEqual(capabilityQuery('agent_status=').query.status, [])
  })
})

describe('toParameters', () => {
  it('toParameters repeats the parameter of a list, and skips absent values', () => {
    assert.deepEqual(toParameters({ a: ['x', 1], b: true, c: null, d: undefined, e: { f: 1 } }), [
      ['a', 'x'],
      ['a', '1'],
      ['b', 'true'],
      ['e', '{"f":1}'],
    ])
  })
})
