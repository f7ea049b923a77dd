import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTickBatcher } from '../../../src/api/mesh/batched-posts.ts'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('tick batcher', () => {
  it('runs quick work in order at the end of the turn', async () => {
    const batcher = createTickBatcher({ sliceMs: Number.POSITIVE_INFINITY })
    const done: number[] = []
    for (const one of [1, 2, 3]) batcher.add(() => done.push(one))
    batcher.add(() => batcher.add(() => done.push(5)))
    batcher.add(() => done.push(4))

    assert.deepEqual(done, [])
    await nextTurn()

    assert.deepEqual(done, [1, 2, 3, 4, 5])
  })

  it('leaves the rest to later turns when work takes long', async () => {
    const batcher = createTickBatcher({ sliceMs: 0 })
    const done: number[] = []
    for (const one of [1, 2, 3]) {
      batcher.add(() => {
        const until = performance.now() + 1
        while (performance.now() < until);
        done.push(one)
      })
    }

    const seen: number[] = []
    for (let turn = 0; turn < 3; turn += 1) {
      await nextTurn()
      seen.push(done.length)
    }

    assert.deepEqual(
      [seen, done],
      [
        [1, 2, 3],
        [1, 2, 3],
      ],
    )
  })
})
