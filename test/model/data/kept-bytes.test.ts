import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { keptBytesOf } from '../../../src/model/data/kept-bytes.ts'

describe('keptBytesOf', () => {
  it('counts a text twice, and one beyond Latin-1 four times', () => {
    assert.equal(keptBytesOf('x'.repeat(100_000)), 200_026)
    assert.equal(keptBytesOf('Ж'.repeat(100_000)), 400_026)
  })

  it('counts small parts by what they take in memory, not by their text', () => {
    const lists = Array.from({ length: 20_000 }, () => [])

    assert.ok(keptBytesOf(lists) > 15 * JSON.stringify(lists).length)
    assert.ok(keptBytesOf({ a: { b: { c: null } } }) > 200)
  })
})
