import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDeadlineQueue } from '../../src/flow/deadline-queue.ts'

/** Numbers that repeat for a seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

describe('deadlines', () => {
  it('take out exactly those who are due, whatever moved earlier or later before', (context) => {
    const seed = Date.now() % 2 ** 31
    context.diagnostic(`seed ${seed}`)
    const random = randomOf(seed)
    const deadlines = createDeadlineQueue<{ id: number }>()
    const owners = Array.from({ length: 200 }, (_, id) => ({ id }))
    const truth = new Map<{ id: number }, number>()

    for (let now = 0; now < 3000; now += 1) {
      const owner = owners[Math.floor(random() * owners.length)] ?? assert.fail()
      if (random() < 0.05) {
        truth.delete(owner)
        deadlines.delete(owner)
      } else {
        const deadline = now + Math.floor(random() * 300)
        truth.set(owner, deadline)
        deadlines.set(owner, deadline)
      }
      const due = [...truth].filter(([, at]) => at <= now).map(([one]) => one)
      for (const one of due) truth.delete(one)
      assert.deepEqual(
        deadlines
          .takeDue(now)
          .map(({ id }) => id)
          .toSorted((a, b) => a - b),
        due.map(({ id }) => id).toSorted((a, b) => a - b),
        `seed ${seed}, time ${now}`,
      )
    }
    assert.equal(deadlines.size(), truth.size)
  })

  it('hold nothing of whoever is taken out', () => {
    const deadlines = createDeadlineQueue()
    const owners = Array.from({ length: 1000 }, () => ({}))
    for (const owner of owners) deadlines.set(owner, 604_800)
    deadlines.set(deadlines, 700_000)

    for (const owner of owners) deadlines.delete(owner)

    assert.equal(deadlines.next(), 700_000)
    assert.deepEqual(deadlines.takeDue(604_800), [])
    assert.deepEqual(deadlines.takeDue(700_000), [deadlines])
  })

  it('costs one comparison to put off: the heap does not grow with heartbeats', () => {
    const deadlines = createDeadlineQueue()
    const owner = {}
    for (let now = 0; now < 10_000; now += 1) deadlines.set(owner, now + 60)
    assert.equal(deadlines.next(), 60)
    assert.deepEqual(deadlines.takeDue(10_000), [])
    assert.deepEqual(deadlines.takeDue(10_059), [owner])
  })
})
