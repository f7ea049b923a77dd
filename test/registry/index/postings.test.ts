import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  countBits,
  hasSlot,
  intersect,
  type Posting,
  sizeOf,
  slotsOf,
  union,
  withoutSlot,
  withSlot,
} from '../../../src/registry/index/postings.ts'
import { createRandom } from '../../random.ts'

const capacity = 1000

function postingOf(...slots: number[]): Posting {
  let posting: Posting | undefined
  for (const slot of slots) posting = withSlot(posting, slot, capacity)
  return posting ?? assert.fail()
}

const sorted = (slots: Iterable<number>) => [...slots].toSorted((one, other) => one - other)
const range = (length: number) => Array.from({ length }, (_, index) => index)

describe('a posting', () => {
  it('is a number for one slot, a list for a few, a set for more, and bits for many', () => {
    assert.equal(postingOf(7), 7)
    assert.deepEqual(postingOf(7, 9), [7, 9])
    assert.ok(postingOf(...range(20)) instanceof Set)
    assert.ok('words' in (postingOf(...range(200)) as object))
  })

  it('becomes a set again when most of its slots are removed, and ends empty', () => {
    let posting: Posting | undefined = postingOf(...range(200))

    for (const slot of range(195)) posting = withoutSlot(posting, slot, capacity)
    assert.ok(posting instanceof Set)
    for (const slot of range(200)) posting = withoutSlot(posting, slot, capacity)

    assert.equal(posting, undefined)
  })

  it('holds exactly the slots that were added and not removed', () => {
    const random = createRandom()
    const expected = new Set<number>()
    let posting: Posting | undefined

    for (let step = 0; step < 8000; step += 1) {
      const [slots, share] = step < 2500 ? [capacity, 0.7] : step < 5000 ? [300, 0.2] : [12, 0.5]
      const slot = random.below(slots)
      if (random.chance(share)) {
        expected.add(slot)
        posting = withSlot(posting, slot, capacity)
      } else {
        expected.delete(slot)
        posting = withoutSlot(posting, slot, capacity)
      }
      assert.equal(posting === undefined ? 0 : sizeOf(posting), expected.size, random.label)
      if (posting !== undefined) assert.equal(hasSlot(posting, slot), expected.has(slot), random.label)
    }
    assert.deepEqual(posting === undefined ? [] : sorted(slotsOf(posting)), sorted(expected), random.label)
  })
})

describe('bits of postings', () => {
  const many = range(200)
  const words = () => union([5, [64, 300], new Set([64]), postingOf(...many)], 32)

  it('unite postings of every kind', () => {
    assert.equal(countBits(words()), 201)
  })

  it('intersect with others, or exclude them', () => {
    const kept = words()
    intersect(kept, union([300, 5], 32))
    assert.equal(countBits(kept), 2)

    const remaining = words()
    intersect(remaining, union([300, 5], 32), { without: true })
    assert.equal(countBits(remaining), 199)
  })
})
