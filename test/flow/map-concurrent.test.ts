import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { mapConcurrent } from '../../src/flow/map-concurrent.ts'

it('mapConcurrent keeps to its limit, and returns the results in the order of the items', async () => {
  let running = 0
  let maxRunning = 0

  const results = await mapConcurrent([5, 1, 4, 2, 3], 2, async (item, index) => {
    maxRunning = Math.max(maxRunning, ++running)
    for (let turn = 0; turn < item; turn += 1) await setImmediate()
    running -= 1
    return `${index}: ${item}`
  })

  assert.equal(maxRunning, 2)
  assert.deepEqual(results, ['0: 5', '1: 1', '2: 4', '3: 2', '4: 3'])
})
