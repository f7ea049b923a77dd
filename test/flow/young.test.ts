import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { boundYoungGeneration, youngBytes } from '../../src/flow/young.ts'

describe('the young generation of the heap', () => {
  it('stays small whatever a burst leaves alive, while it is bounded', async () => {
    using _ = boundYoungGeneration()
    const alive: object[] = []
    for (let turn = 0; turn < 200; turn += 1) {
      for (let one = 0; one < 5000; one += 1) alive.push({ turn, one, text: `${turn} ${one}`, list: [one] })
      await setImmediate()
    }

    assert.equal(alive.length, 1_000_000)
    assert.ok(youngBytes() <= 16 * 1024 * 1024, `${youngBytes() / 1024 / 1024} MB`)
  })
})
