import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  endpointAddress,
  isHttpEndpoint,
  normalizeName,
  normalizeRegistration,
  withoutNulls,
} from '../../../src/agents/parsing/normalize.ts'

describe('normalized registration', () => {
  it('normalized registration has text where YAML reads numbers', () => {
    const { name, version, tags, resource_version } = normalizeRegistration({
      name: 7,
      version: 1.5,
      tags: ['a', 2],
      resource_version: 9,
    })
    assert.deepEqual(
      { name, version, tags, resource_version },
      {
        name: '7',
        version: '1.5',
        tags: ['a', '2'],
        resource_version: '9',
      },
    )
  })

  it('normalized registration has a map of tags among its labels', () => {
    const { tags, labels } = normalizeRegistration({ tags: { env: 'prod' }, labels: { team: 'a' } })
    assert.equal(tags, undefined)
    assert.deepEqual(labels, { env: 'prod', team: 'a' })
  })

  it('normalized registration has annotations and a security context as text', () => {
    const { annotations, security_context } = normalizeRegistration({
      annotations: { note: { deep: true } },
      security_context: { level: 1 },
    })
    assert.deepEqual(annotations, { note: '{"deep":true}' })
    assert.equal(security_context, '{"level":1}')
  })

  it('normalized registration names the function of a capability only where it has another name', () => {
    const named = (function_name: unknown) => ({ name: 'greeting', function_name })

    const { capabilities } = normalizeRegistration({ capabilities: ['greet', 'greeting', '', null].map(named) })

    assert.deepEqual(
      (capabilities as { function_name?: string }[]).map(({ function_name }) => function_name),
      ['greet', undefined, undefined, undefined],
    )
  })

  it('normalized registration has declared capabilities with their schema under one name', () => {
    const { capabilities } = normalizeRegistration({
      capabilities: ['plain', { name: 'rich', parameters: { type: 'object' }, tags: null }],
    })
    assert.ok(Array.isArray(capabilities))
    const [plain, rich] = capabilities as [Record<string, unknown>, Record<string, unknown>]
    assert.equal(plain['name'], 'plain')
    assert.deepEqual(rich['input_schema'], { type: 'object' })
    assert.deepEqual([rich['kind'], rich['origin'], 'tags' in rich], ['declared', 'declared', false])
  })

  it('normalized registration leaves values of other types for validation', () => {
    const odd = { tags: 'x', labels: 'a=b', annotations: [], capabilities: 'echo', security_context: 7 }
    const { tags, labels, annotations, capabilities, security_context } = normalizeRegistration(odd)
    assert.deepEqual({ tags, labels, annotations, capabilities, security_context }, odd)
  })
})

describe('withoutNulls', () => {
  it('withoutNulls drops null fields, and copies only where there are any', () => {
    const fields = { a: 1, b: undefined }
    assert.equal(withoutNulls(fields), fields)
    assert.deepEqual(withoutNulls({ a: 1, b: null }), { a: 1 })
  })
})

describe('endpoint address', () => {
  it('endpoint address is the endpoint itself for HTTP, and of the scheme stdio for any other text', () => {
    assert.deepEqual(endpointAddress('HTTPS://a.example'), { type: 'http', url: 'HTTPS://a.example' })
    assert.deepEqual(endpointAddress('stdio://a'), { type: 'stdio', url: 'stdio://a' })
    assert.deepEqual(endpointAddress('elsewhere'), { type: 'stdio', url: 'stdio://elsewhere' })
    assert.deepEqual(['http:', 'ftp://a', 'httpx'].map(isHttpEndpoint), [true, false, false])
  })
})

describe('normalizeName', () => {
  it('normalizeName gives lower-case letters, digits and single dashes', () => {
    const cases = {
      'my-agent-001': 'my-agent-001',
      'My Agent': 'my-agent',
      '--a__b--': 'a-b',
      Ünïcode: 'n-code',
      '!!!': 'agent',
      '': 'agent',
      [`${'x'.repeat(62)}--y`]: 'x'.repeat(62),
    }
    for (const [text, name] of Object.entries(cases)) assert.equal(normalizeName(text), name, text)
  })
})
