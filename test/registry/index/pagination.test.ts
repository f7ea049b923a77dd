import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { firstRowsByKey, isAfterCursor } from '../../../src/registry/index/pagination.ts'
import { createRandom } from '../../random.ts'

describe('the first rows by key', () => {
  for (const descending of [false, true]) {
    it(`are those of a full sort, ${descending ? 'descending' : 'ascending'}, with ties in the order of the slots`, () => {
      const random = createRandom()
      const keys = Array.from({ length: 5000 }, () => random.below(50))
      const slots = [...keys.keys()]
      const keyOf = (slot: number) => keys[slot] ?? 0
      const isIn = (slot: number) => slot % 3 !== 0

      for (const limit of [1, 10, 3000, Infinity]) {
        const rows = firstRowsByKey(slots, { isIn, keyOf, descending, limit }, () => true)

        const sign = descending ? -1 : 1
        const sorted = slots.filter(isIn).toSorted((one, other) => sign * (keyOf(one) - keyOf(other)))
        assert.deepEqual(
          rows.map(({ slot }) => slot),
          sorted.slice(0, limit + 1),
          random.label,
        )
      }
    })
  }

  it('begin after the cursor', () => {
    const options = { isIn: () => true, keyOf: (slot: number) => slot, descending: false, limit: 2 }

    assert.deepEqual(
      firstRowsByKey([0, 1, 2, 3, 4], options, (key) => Number(key) > 1).map(({ slot }) => slot),
      [2, 3, 4],
    )
  })
})

describe('a row after a cursor', () => {
  const cursor = { key: 'healthy', id: 'default/m' }
  for (const [key, id, descending, isAfter] of [
    ['healthy', 'default/n', false, true],
    ['healthy', 'default/m', false, false],
    ['healthy', 'default/a', true, false],
    ['offline', 'default/a', false, true],
    ['offline', 'default/z', true, false],
    ['degraded', 'default/a', true, true],
  ] as const) {
    it(`is ${isAfter ? '' : 'not '}${key} ${id}, ${descending ? 'descending' : 'ascending'}`, () => {
      assert.equal(isAfterCursor(key, id, cursor, descending), isAfter)
    })
  }
})
