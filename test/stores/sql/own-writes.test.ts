import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createOwnWrites } from '../../../src/stores/sql/own-writes.ts'

describe('own writes', () => {
  it('contain every version of the added ranges, and no other', () => {
    const ownWrites = createOwnWrites()
    ownWrites.add('5', '7')
    ownWrites.add('8', '9')
    ownWrites.add('20', '20')

    const versions = Array.from({ length: 22 }, (_, version) => String(version))
    assert.deepEqual(versions.filter(ownWrites.has), ['5', '6', '7', '8', '9', '20'])
  })

  it('compare versions as numbers', () => {
    const ownWrites = createOwnWrites()
    ownWrites.add('9', '11')

    assert.ok(ownWrites.has('10'))
    assert.ok(!ownWrites.has('1'))
  })

  it('drop ranges that end before the version of the follower', () => {
    const ownWrites = createOwnWrites()
    ownWrites.add('1', '3')
    ownWrites.add('9', '12')
    ownWrites.forgetBefore('10')

    assert.ok(!ownWrites.has('2'))
    assert.ok(ownWrites.has('11'))
  })
})
