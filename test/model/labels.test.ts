import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLabelKey, isLabelValue, Labels } from '../../src/model/labels.ts'

const a63 = 'a'.repeat(63)

describe('a label key', () => {
  for (const [key, isValid] of [
    ['env', true],
    ['app.kubernetes.io/name', true],
    ['A_b-c.9', true],
    [a63, true],
    [`${'a'.repeat(253)}/x`, true],
    [`${a63}a`, false],
    [`${'a'.repeat(254)}/x`, false],
    ['', false],
    ['-env', false],
    ['env-', false],
    ['Example.com/x', false],
    ['a/b/c', false],
    ['/x', false],
    ['x/', false],
  ] as const) {
    it(`is ${isValid ? 'valid' : 'invalid'}: ${JSON.stringify(key.slice(0, 30))}`, () => {
      assert.equal(isLabelKey(key), isValid)
    })
  }
})

describe('a label value', () => {
  for (const [value, isValid] of [
    ['', true],
    ['prod', true],
    [a63, true],
    [`${a63}a`, false],
    ['not a value', false],
    ['_x', false],
  ] as const) {
    it(`is ${isValid ? 'valid' : 'invalid'}: ${JSON.stringify(value.slice(0, 30))}`, () => {
      assert.equal(isLabelValue(value), isValid)
    })
  }
})

describe('labels', () => {
  it('are at most 64', () => {
    const labels = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']))

    assert.equal(Labels.safeParse(labels(64)).success, true)
    assert.equal(Labels.safeParse(labels(65)).success, false)
  })

  it('name the invalid key in the path of the issue', () => {
    assert.deepEqual(
      Labels.safeParse({ good: 'x', 'bad key': 'x' }).error?.issues.map(({ path }) => path),
      [['bad key']],
    )
  })
})
