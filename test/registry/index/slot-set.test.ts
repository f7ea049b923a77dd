import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type Posting, withSlot } from '../../../src/registry/index/postings.ts'
import {
  countSlots,
  evaluatePlan,
  filterSlots,
  membershipOf,
  replaceSlots,
  type SlotSet,
  toBitsIfLarge,
} from '../../../src/registry/index/slot-set.ts'

const capacity = 1000
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

function postingOf(slots: readonly number[]): Posting {
  let posting: Posting | undefined
  for (const slot of slots) posting = withSlot(posting, slot, capacity)
  return posting ?? assert.fail()
}

const everything = postingOf(range(0, capacity))

function slotsIn(set: SlotSet): number[] {
  const isIn = membershipOf(set)
  return 'slots' in set ? set.slots.toSorted((one, other) => one - other) : range(0, capacity).filter(isIn)
}

describe('the evaluation of a plan', () => {
  for (const [title, required, excluded, expected] of [
    ['is everything without terms', [], [], range(0, capacity)],
    ['is a list where one term is small', [[postingOf([3, 500])], [postingOf(range(0, 400))]], [], [3]],
    ['unites the postings of one term', [[3, 5, 7]], [], [3, 5, 7]],
    ['is empty where a term has no posting', [[], [everything]], [], []],
    ['excludes slots from a list', [[3, 5]], [5], [3]],
    [
      'intersects large terms as bits',
      [[postingOf(range(0, 600))], [postingOf(range(400, 900))]],
      [postingOf(range(500, 550))],
      [...range(400, 500), ...range(550, 600)],
    ],
  ] as const satisfies readonly (readonly [string, readonly (readonly Posting[])[], readonly Posting[], number[]])[]) {
    it(title, () => {
      const set = evaluatePlan({ required, excluded }, everything, capacity)

      assert.deepEqual(slotsIn(set), expected)
      assert.equal(countSlots(set), expected.length)
    })
  }

  it('is empty without any server', () => {
    assert.deepEqual(evaluatePlan({ required: [], excluded: [] }, undefined, 0), { slots: [] })
  })
})

describe('a slot set', () => {
  const list: SlotSet = { slots: [1, 33, 64] }
  const bits = () => toBitsIfLarge(list, 65)

  it('becomes bits where it is large for its capacity', () => {
    assert.ok('slots' in toBitsIfLarge(list, capacity))
    assert.ok('words' in bits())
    assert.deepEqual(slotsIn(bits()), [1, 33, 64])
  })

  it('filters its slots in either form', () => {
    const isOdd = (slot: number) => slot % 2 === 1

    assert.deepEqual(slotsIn(filterSlots(list, isOdd)), [1, 33])
    assert.deepEqual(slotsIn(filterSlots(bits(), isOdd)), [1, 33])
  })

  it('replaces slots in either form', () => {
    for (const set of [list, bits()]) assert.deepEqual(slotsIn(replaceSlots(set, new Set([33]), [2])), [1, 2, 64])
  })
})
