import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { mapValues } from '../../../src/model/data/map-values.ts'

describe('mapValues', () => {
  it('returns the same map where no value changes', () => {
    const map = { a: 1, b: 2 }

    assert.equal(
      mapValues(map, (value) => value),
      map,
    )
  })

  it('changes a copy, and keeps the order of the keys', () => {
    const map = { b: 1, a: 2, c: 3 }

    const result = mapValues(map, (value, key) => (key === 'a' ? value * 10 : value))

    assert.deepEqual(Object.entries(result), [
      ['b', 1],
      ['a', 20],
      ['c', 3],
    ])
    assert.deepEqual(map, { b: 1, a: 2, c: 3 })
  })

  it('treats __proto__ as a key like any other', () => {
    const map = JSON.parse('{"__proto__": "a"}') as Record<string, string>

    const result = mapValues(map, () => 'b')

    assert.equal(JSON.stringify(result), '{"__proto__":"b"}')
  })
})
