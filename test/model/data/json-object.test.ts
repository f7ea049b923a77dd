import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isDeeperThan, isJsonObject } from '../../../src/model/data/json-object.ts'

describe('isJsonObject', () => {
  for (const [value, isObject] of [
    [{}, true],
    [{ a: 1 }, true],
    [[], false],
    [null, false],
    ['{}', false],
    [undefined, false],
  ] as const) {
    it(`is ${isObject} for ${JSON.stringify(value)}`, () => assert.equal(isJsonObject(value), isObject))
  }
})

describe('isDeeperThan', () => {
  for (const [value, maxLevels, isDeeper] of [
    ['text', 0, false],
    [{}, 0, false],
    [{ a: {} }, 0, true],
    [{ a: {} }, 1, false],
    [[[1]], 0, true],
    [[[1]], 1, false],
    [{ a: [{ b: 1 }] }, 1, true],
    [{ a: [{ b: 1 }] }, 2, false],
  ] as const) {
    it(`is ${isDeeper} for ${JSON.stringify(value)} and ${maxLevels} levels`, () => {
      assert.equal(isDeeperThan(value, maxLevels), isDeeper)
    })
  }

  it('does not overflow the stack on very deep data', () => {
    let value: unknown = 1
    for (let level = 0; level < 100_000; level += 1) value = [value]

    assert.equal(isDeeperThan(value, 32), true)
  })
})
