import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createChunkedQueue } from '../../src/flow/chunked-queue.ts'

const large = Array.from({ length: 1000 }, (_, at) => at)

describe('chunked queue', () => {
  it('applies a small batch at once', () => {
    const applied: number[] = []
    const queue = createChunkedQueue<number>((item) => applied.push(item))

    queue.add([1, 2])
    queue.add([3])

    assert.deepEqual(applied, [1, 2, 3])
  })

  it('applies a large batch in slices, and later items after it', async () => {
    const applied: number[] = []
    const queue = createChunkedQueue<number>((item) => applied.push(item))

    queue.add(large)
    queue.add([1000])
    assert.deepEqual(applied, [])
    while (queue.hasPending()) await setImmediate()

    assert.deepEqual(applied, [...large, 1000])
  })

  it('drains all pending items, each once, even when applying one drains itself', () => {
    const applied: number[] = []
    const queue = createChunkedQueue<number>((item) => {
      applied.push(item)
      if (item === 10) queue.drain()
    })

    queue.add(large)
    queue.add([1000])
    queue.drain()

    assert.deepEqual(applied, [...large, 1000])
    assert.equal(queue.hasPending(), false)
  })
})
