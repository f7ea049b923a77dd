import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { jsonEqual, reuseEqualParts } from '../../../src/model/data/json-equal.ts'

const prototypical = JSON.parse('{"__proto__":{}}') as object

describe('jsonEqual', () => {
  const same: [unknown, unknown][] = [
    [1, 1],
    [
      { a: 1, b: [null, { c: 'x' }] },
      { b: [null, { c: 'x' }], a: 1 },
    ],
    [{}, {}],
    [prototypical, JSON.parse('{"__proto__":{}}')],
  ]
  for (const [one, other] of same)
    it(`holds for ${JSON.stringify(one)} and ${JSON.stringify(other)}`, () => assert.ok(jsonEqual(one, other)))

  const different: [unknown, unknown][] = [
    [1, '1'],
    [null, {}],
    [[], {}],
    [{ 0: 1 }, [1]],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1, b: 2 }, { a: 1 }],
    [{ a: { b: [1] } }, { a: { b: [2] } }],
    [prototypical, { x: 1 }],
    [{ toString: 1 }, { x: 1 }],
  ]
  for (const [one, other] of different) {
    it(`does not hold for ${JSON.stringify(one)} and ${JSON.stringify(other)}`, () => {
      assert.ok(!jsonEqual(one, other))
      assert.ok(!jsonEqual(other, one))
    })
  }
})

describe('reuseEqualParts', () => {
  it('returns the same object where every field is equal', () => {
    const before = { labels: { a: 'b' }, tags: ['x'] }

    assert.equal(reuseEqualParts(before, { tags: ['x'], labels: { a: 'b' } }), before)
  })

  it('reuses the fields with equal values only', () => {
    const before: Record<string, unknown> = { labels: { a: 'b' }, tags: ['x'], version: '1' }

    const now = reuseEqualParts(before, { labels: { a: 'b' }, tags: ['y'], title: 't' })

    assert.deepEqual(now, { labels: { a: 'b' }, tags: ['y'], title: 't' })
    assert.equal(now['labels'], before['labels'])
    assert.deepEqual(Object.keys(reuseEqualParts(before, { version: '1' })), ['version'])
  })
})
