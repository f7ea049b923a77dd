import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { descriptionOf, versionOf } from '../../../src/api/publish/card.ts'

describe('the version of a card', () => {
  for (const [version, expected] of [
    ['1.2.3', '1.2.3'],
    ['2026-01-31', '2026-01-31'],
    [undefined, '0.0.0'],
    ['', '0.0.0'],
    ['^1', '0.0.0'],
    ['1.x', '0.0.0'],
    ['>=1 <2', '0.0.0'],
    ['latest', '0.0.0'],
  ] as const)
    it(`is ${expected} for ${JSON.stringify(version)}`, () => {
      assert.equal(versionOf({ version }), expected)
    })
})

describe('the description of a card', () => {
  it('is the title or the name where there is none', () => {
    assert.equal(descriptionOf({ name: 'weather', title: 'Weather', description: 'Forecasts.' }), 'Forecasts.')
    assert.equal(descriptionOf({ name: 'weather', title: 'Weather', description: ' ' }), 'Weather')
    assert.equal(descriptionOf({ name: 'weather', title: undefined, description: undefined }), 'MCP server weather')
  })

  it('is one line of at most 100 characters, and splits no surrogate pair', () => {
    const text = descriptionOf({ name: 'x', title: undefined, description: `a\n  b ${'🌦'.repeat(60)}` })

    assert.ok(text.startsWith('a b 🌦'))
    assert.ok(text.length <= 100 && text.endsWith('🌦…'))
  })
})
