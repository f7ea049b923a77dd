import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createTickBatcher } from '../../src/flow/tick-batcher.ts'

const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

describe('work in turns', () => {
  it('is done in order, all that is quick at the end of the turn it came in', async () => {
    const turns = createTickBatcher()
    const done: number[] = []
    for (const one of [1, 2, 3]) turns.add(() => done.push(one))
    turns.add(() => turns.add(() => done.push(5)))
    turns.add(() => done.push(4))

    assert.deepEqual(done, [])
    await nextTurn()

    assert.deepEqual(done, [1, 2, 3, 4, 5])
  })

  it('leaves the rest to later turns when it takes long', async () => {
    const turns = createTickBatcher({ sliceMs: 0 })
    const done: number[] = []
    for (const one of [1, 2, 3]) {
      turns.add(() => {
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
