import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTombstones } from '../../src/stores/tombstones.ts'

describe('tombstones', () => {
  it('cover versions older than the last deletion', () => {
    const tombstones = createTombstones()
    tombstones.record('a', '10')
    tombstones.record('a', '9')

    assert.deepEqual(
      ['9', '10', '11'].map((version) => tombstones.covers('a', version)),
      [true, false, false],
    )
    assert.equal(tombstones.covers('b', '1'), false)
  })

  it('are bounded: the oldest deletion goes first', () => {
    const tombstones = createTombstones()
    for (let id = 0; id <= 10_000; id += 1) tombstones.record(`agent-${id}`, '10')

    assert.equal(tombstones.covers('agent-0', '9'), false)
    assert.equal(tombstones.covers('agent-1', '9'), true)
  })
})
