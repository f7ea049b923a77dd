import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { nearestTo } from '../../../src/config/loading/schema-issues.ts'

describe('the suggestion for a misspelled setting', () => {
  for (const [word, nearest] of [
    ['prot', 'port'],
    ['HOST', 'host'],
    ['hosst', 'host'],
    ['timeout', undefined],
  ] as const) {
    it(`for "${word}" is ${nearest ?? 'absent'}`, () => {
      assert.equal(nearestTo(word, ['host', 'port', 'name']), nearest)
    })
  }
})
