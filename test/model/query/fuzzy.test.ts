import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { matchesFuzzily, nearestTo } from '../../../src/model/query/fuzzy.ts'

describe('a fuzzy match', () => {
  for (const [name, query, holds] of [
    ['process_data', 'process_data', true],
    ['Process_Data', 'pROCESS', true],
    ['process_data', 'data', true],
    ['data', 'process_data', false],
    ['forecast', 'forcast', true],
    ['translate', 'translation', true],
    ['abcdefghij', 'abcdefgxyz', true],
    ['abcdefghij', 'abcdefwxyz', false],
    ['', 'a', false],
    ['a', '', false],
    ['', '', false],
    ['größe', 'GRÖSSE', false],
    ['größe', 'GRÖßE', true],
  ] as const) {
    it(`${holds ? 'finds' : 'does not find'} "${name}" by "${query}"`, () => {
      assert.equal(matchesFuzzily(name, query), holds)
    })
  }
})

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
