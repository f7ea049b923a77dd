import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseFlag } from '../../../src/model/data/flag.ts'

describe('a flag', () => {
  for (const [text, value] of [
    ['true', true],
    ['TRUE', true],
    ['1', true],
    ['false', false],
    ['False', false],
    ['0', false],
    ['yes', undefined],
    ['', undefined],
    [' true', undefined],
  ] as const) {
    it(`${JSON.stringify(text)} is ${value ?? 'invalid'}`, () => assert.equal(parseFlag(text), value))
  }
})
