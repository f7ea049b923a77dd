import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { boundYoungGeneration, youngBytes } from '../../src/runtime/young-generation.ts'

const made = (turn: number) =>
  Array.from({ length: 5000 }, (_, one) => ({ turn, one, text: `${turn} ${one}`, list: [one] }))

describe('the young generation of the heap', () => {
  it('stays small whatever a burst leaves alive, while it is bounded', async () => {
    using _ = boundYoungGeneration()
    // What it grew to before, as this file was loaded, it stays.
    const bound = Math.max(youngBytes(), 8 * 1024 * 1024)
    const alive: object[] = []
    const sizes: number[] = []

    for (let turn = 0; turn < 400; turn += 1) {
      if (turn < 200) alive.push(...made(turn))
      else assert.equal(made(turn).length, 5000)
      // A collection is told of a few turns of the event loop later.
      for (let next = 0; next < 5; next += 1) await setImmediate()
      // While a collection is under way it may take more for a moment.
      if (turn >= 300) sizes.push(youngBytes())
    }

    assert.equal(alive.length, 1_000_000)
    const least = Math.min(...sizes)
    assert.ok(least <= bound, `${least / 1024 / 1024} MB, not ${bound / 1024 / 1024}`)
  })
})
