import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createInvertedIndex } from '../../../src/registry/index/inverted-index.ts'
import { slotsOf } from '../../../src/registry/index/postings.ts'
import { server } from '../../builders.ts'

function slotsWith(index: ReturnType<typeof createInvertedIndex>, field: 'tag' | 'status', value: string): number[] {
  const posting = index.posting(field, value)
  return posting === undefined ? [] : [...slotsOf(posting)].toSorted((one, other) => one - other)
}

describe('inverted index', () => {
  it('finds the slots of each value', () => {
    const index = createInvertedIndex()
    index.update(0, server({ name: 'a', tags: ['geo', 'free'] }))
    index.update(1, server({ name: 'b', tags: ['geo'] }))

    assert.deepEqual(slotsWith(index, 'tag', 'geo'), [0, 1])
    assert.deepEqual(slotsWith(index, 'tag', 'free'), [0])
    assert.deepEqual([...index.values('tag')].toSorted(), ['free', 'geo'])
  })

  it('replaces what it knows of a slot, and forgets values without slots', () => {
    const index = createInvertedIndex()
    index.update(0, server({ tags: ['geo'], status: 'pending' }))
    index.update(0, server({ tags: ['free'], status: 'healthy' }))

    assert.deepEqual([...index.values('tag')], ['free'])
    assert.deepEqual(slotsWith(index, 'status', 'healthy'), [0])

    index.update(0, undefined)
    assert.deepEqual([...index.values('tag')], [])
    assert.equal(index.indexed(0), undefined)
    assert.equal(index.text(0), '')
  })
})
