import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findCapabilities, nameMatcher, ownedCapabilityView } from '../../../src/agents/queries/capabilities.ts'
import { parseCapabilityQuery } from '../../../src/agents/queries/query-parameters.ts'
import { Capability } from '../../../src/model/capability.ts'
import { server } from '../../builders.ts'
import { testAgent } from '../fixtures.ts'

const capability = (name: string, fields: object = {}) => Capability.parse({ name, ...fields })
const query = (text: string) => parseCapabilityQuery(new URLSearchParams(text))
const servers = [
  server({ name: 'one', capabilities: [capability('geo.lookup', { category: 'geo', description: 'Finds Places' })] }),
  server({
    name: 'two',
    capabilities: [capability('Geo.Old', { stability: 'deprecated' }), capability('translate', { tags: ['text'] })],
  }),
]
const search = (text: string) =>
  findCapabilities(query(text), servers).map(({ server: { name }, capabilities }) => [
    name,
    ...capabilities.map((one) => one.name),
  ])

describe('capability search', () => {
  it('capability search finds the matching capabilities of each server', () => {
    assert.deepEqual(search(''), [
      ['one', 'geo.lookup'],
      ['two', 'translate'],
    ])
    assert.deepEqual(search('category=geo'), [['one', 'geo.lookup']])
    assert.deepEqual(search('tags=text'), [['two', 'translate']])
    assert.deepEqual(search('name=none'), [])
  })

  it('capability search finds deprecated capabilities only on request', () => {
    assert.deepEqual(search('name=geo&include_deprecated=true'), [
      ['one', 'geo.lookup'],
      ['two', 'Geo.Old'],
    ])
  })

  it('capability search ignores case, and a capability without a description matches every text', () => {
    assert.deepEqual(search('description_contains=PLACES'), [
      ['one', 'geo.lookup'],
      ['two', 'translate'],
    ])
    assert.deepEqual(search('description_contains=other'), [['two', 'translate']])
  })

  it('capability search matches names by part, exactly or fuzzily', () => {
    const matches = (text: string, name: string) => nameMatcher(query(text))?.(name)
    assert.equal(nameMatcher(query('')), undefined)
    assert.equal(matches('name=LOOK', 'geo.lookup'), true)
    assert.equal(matches('name=geo&exact=true', 'geo.lookup'), false)
    assert.equal(matches('name=GEO.lookup&exact=true', 'geo.lookup'), true)
    assert.equal(matches('name=tranlsate&fuzzy_match=true', 'translate'), true)
    assert.equal(matches('name=tranlsate', 'translate'), false)
  })
})

describe('owned capability view', () => {
  it('capability view names the agent of a registered server, and the server itself for any other', () => {
    const shown = capability('echo')
    const agent = testAgent('a', { name: 'My Agent', endpoint: 'http://user:secret@a.example' })
    const registered = server({ name: 'a', discovery_method: 'registered' })

    const ofAgent = ownedCapabilityView({ server: registered }, shown, () => agent)
    const ofServer = ownedCapabilityView({ server: server({ name: 'b', title: 'B' }) }, shown, () => agent)

    assert.deepEqual([ofAgent['agent_id'], ofAgent['agent_name']], ['a', 'my-agent'])
    assert.doesNotMatch(String(ofAgent['agent_endpoint']), /secret/)
    assert.deepEqual([ofServer['agent_id'], ofServer['agent_name']], ['default/b', 'B'])
  })
})
