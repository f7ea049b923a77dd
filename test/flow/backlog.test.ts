import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createChunkedQueue } from '../../src/flow/chunked-queue.ts'

const crowd = Array.from({ length: 1000 }, (_, at) => at)

describe('a backlog', () => {
  it('takes a few at once', () => {
    const taken: number[] = []
    const backlog = createChunkedQueue<number>((item) => taken.push(item))

    backlog.add([1, 2])
    backlog.add([3])

    assert.deepEqual(taken, [1, 2, 3])
  })

  it('takes a crowd by and by, and what comes after it in order', async () => {
    const taken: number[] = []
    const backlog = createChunkedQueue<number>((item) => taken.push(item))

    backlog.add(crowd)
    backlog.add([1000])
    assert.deepEqual(taken, [])
    while (backlog.waits()) await setImmediate()

    assert.deepEqual(taken, [...crowd, 1000])
  })

  it('takes all that is left before somebody looks, each once, even where taking looks itself', () => {
    const taken: number[] = []
    const backlog = createChunkedQueue<number>((item) => {
      taken.push(item)
      if (item === 10) backlog.settle()
    })

    backlog.add(crowd)
    backlog.add([1000])
    backlog.settle()

    assert.deepEqual(taken, [...crowd, 1000])
    assert.equal(backlog.waits(), false)
  })
})
