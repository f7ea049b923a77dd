import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { percentDecode } from '../../../src/model/data/percent-encoding.ts'

describe('percentDecode', () => {
  for (const [text, decoded] of [
    ['weather', 'weather'],
    ['a%2Fb', 'a/b'],
    ['gr%C3%B6%C3%9Fe', 'größe'],
    ['a+b', 'a+b'],
    ['100%', undefined],
    ['%zz', undefined],
    ['%ff', undefined],
  ] as const) {
    it(`gives ${decoded ?? 'nothing'} for ${text}`, () => assert.equal(percentDecode(text), decoded))
  }
})
