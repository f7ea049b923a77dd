import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { templateInputs, toTemplate } from '../../../src/api/publish/inputs.ts'

const secret = (name: string) => ({ isRequired: true, isSecret: true, description: `${name} of this server` })

describe('the template of a text', () => {
  for (const [text, value, variables] of [
    ['plain', 'plain', undefined],
    ['Bearer ${TOKEN}', 'Bearer {TOKEN}', { TOKEN: secret('TOKEN') }],
    ['${env:A}-${input:b-c}', '{A}-{b_c}', { A: secret('A'), b_c: secret('b_c') }],
    ['${CITY:-Bonn}', '{CITY}', { CITY: { ...secret('CITY'), isRequired: false, default: 'Bonn' } }],
    ['<redacted>:%3Credacted%3E', '{key}:{key_2}', { key: secret('key'), key_2: secret('key_2') }],
  ] as const) {
    it(`of "${text}" is "${value}"`, () => {
      const template = toTemplate(text, 'key')

      assert.equal(template.value, value)
      assert.deepEqual(template.variables, variables)
    })
  }
})

describe('the inputs of a map', () => {
  it('hold the names, and a value only where it is a template', () => {
    const input = (name: string) => ({ name, description: name, isRequired: true, isSecret: true })

    assert.deepEqual(templateInputs({ 'X-Key': 'abc', 'X-Team': 'Bearer ${TEAM}' }), [
      input('X-Key'),
      { ...input('X-Team'), value: 'Bearer {TEAM}', variables: { TEAM: secret('TEAM') } },
    ])
  })
})
