import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Config } from '../../src/config/schema.ts'

describe('a missing section of the config', () => {
  for (const [name, section] of Object.entries(Config.shape)) {
    if (name === 'sources' || name === 'store') continue // A list, and a union that needs its type.
    it(`equals an empty one: ${name}`, () => {
      assert.deepEqual(section.parse(undefined), section.parse({}))
    })
  }
})
