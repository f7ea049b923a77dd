import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSortedSlots } from '../../../src/registry/index/sorted-slots.ts'
import { createRandom } from '../../random.ts'

describe('sorted slots', () => {
  it('are sorted by id after single and bulk changes', () => {
    const random = createRandom()
    const ids: string[] = []
    const present = new Set<number>()
    const sorted = createSortedSlots({ ids })

    for (let round = 0; round < 200; round += 1) {
      for (let count = random.pick([1, 3, 40]); count > 0; count -= 1) {
        const slot = ids.length
        ids.push(`id-${random.below(1_000_000)}-${slot}`)
        present.add(slot)
        sorted.add(slot)
      }
      const dead = [...present].filter(() => random.chance(random.pick([0.01, 0.4])))
      sorted.remove(dead)
      for (const slot of dead) present.delete(slot)

      const expected = [...present].toSorted((one, other) => ((ids[one] ?? '') < (ids[other] ?? '') ? -1 : 1))
      assert.deepEqual(sorted.all(), expected, random.label)
    }
  })

  it('find the first slot with a greater id', () => {
    const sorted = createSortedSlots({ ids: ['b', 'd', 'a'] })
    for (const slot of [0, 1, 2]) sorted.add(slot)
    assert.deepEqual(sorted.all(), [2, 0, 1])

    assert.deepEqual(
      ['', 'a', 'c', 'd'].map((id) => sorted.indexAfter(id)),
      [0, 1, 2, 3],
    )
  })
})
