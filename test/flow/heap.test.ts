import assert from 'node:assert/strict'
import { it } from 'node:test'
import { createHeap } from '../../src/flow/heap.ts'

it('a heap gives back what comes first, whatever the order it came in', () => {
  for (let seed = 1; seed <= 50; seed++) {
    let state = seed
    const next = () => (state = (state * 48_271) % 2_147_483_647) % 100
    const heap = createHeap<number>((one, other) => one < other)
    const model: number[] = []
    for (let step = 0; step < 200; step++) {
      if (next() < 60) {
        const value = next()
        heap.push(value)
        model.push(value)
      } else {
        model.sort((one, other) => one - other)
        assert.equal(heap.peek(), model[0])
        assert.equal(heap.pop(), model.shift())
      }
      assert.equal(heap.size(), model.length)
    }
  }
})
