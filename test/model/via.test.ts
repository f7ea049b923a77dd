import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { rosterPathOf, viaKey } from '../../src/model/via.ts'

describe('the roster path of an entry', () => {
  for (const [metadata, path] of [
    [{}, []],
    [{ [viaKey]: ['a', 'b'] }, ['a', 'b']],
    [{ [viaKey]: ['a', 5, null] }, ['a']],
    [{ [viaKey]: 'a' }, []],
  ] as const) {
    it(`is ${JSON.stringify(path)} for ${JSON.stringify(metadata)}`, () => {
      assert.deepEqual(rosterPathOf(metadata), path)
    })
  }
})
