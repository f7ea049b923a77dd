import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDeadlineQueue } from '../../src/flow/deadline-queue.ts'
import { createRandom } from '../random.ts'

describe('deadline queue', () => {
  it('returns exactly the owners that are due, whatever moved before', () => {
    const { next: random, label } = createRandom()
    const queue = createDeadlineQueue<{ id: number }>()
    const owners = Array.from({ length: 200 }, (_, id) => ({ id }))
    const expected = new Map<{ id: number }, number>()

    for (let now = 0; now < 3000; now += 1) {
      const owner = owners[Math.floor(random() * owners.length)] ?? assert.fail()
      if (random() < 0.05) {
        expected.delete(owner)
        queue.delete(owner)
      } else {
        const deadline = now + Math.floor(random() * 300)
        expected.set(owner, deadline)
        queue.set(owner, deadline)
      }
      // Now and then several deadlines have passed at once.
      if (random() < 0.7) continue
      const due = queue.takeDue(now)
      const times = due.map((one) => expected.get(one) ?? assert.fail(label))
      for (const one of due) expected.delete(one)
      assert.ok(Math.max(-1, ...times) <= now, `${label}, time ${now}`)
      assert.ok(Math.min(Infinity, ...expected.values()) > now, `${label}, time ${now}`)
      assert.ok((queue.next() ?? Infinity) <= Math.min(Infinity, ...expected.values()), label)
    }
    assert.equal(queue.size(), expected.size)
    for (const [owner, deadline] of expected) assert.equal(queue.get(owner), deadline)
  })

  it('returns owners in the order of their deadlines', () => {
    const { below, label } = createRandom()
    const queue = createDeadlineQueue<{ deadline: number }>()
    const owners = Array.from({ length: 1000 }, () => ({ deadline: below(500) }))
    for (const owner of owners) queue.set(owner, owner.deadline)

    const taken = [200, 499].flatMap((now) => queue.takeDue(now).map(({ deadline }) => deadline))

    assert.deepEqual(
      taken,
      owners.map(({ deadline }) => deadline).toSorted((a, b) => a - b),
      label,
    )
  })

  it('keeps no reference to removed owners', () => {
    const queue = createDeadlineQueue()
    const owners = Array.from({ length: 1000 }, () => ({}))
    for (const owner of owners) queue.set(owner, 604_800)
    queue.set(queue, 700_000)

    for (const owner of owners) queue.delete(owner)

    assert.equal(queue.next(), 700_000)
    assert.equal(queue.heapSize(), 1)
    assert.deepEqual(queue.takeDue(604_800), [])
    assert.deepEqual(queue.takeDue(700_000), [queue])
  })

  it('keeps few outdated entries when one deadline moves earlier again and again', () => {
    const queue = createDeadlineQueue()
    const owner = {}
    for (let times = 0; times < 1000; times += 1) queue.set(owner, 100_000 - times)

    assert.ok(queue.heapSize() <= 2, `${queue.heapSize()} entries`)
    assert.deepEqual(queue.takeDue(100_000), [owner])
  })

  it('does not grow when a deadline moves later', () => {
    const queue = createDeadlineQueue()
    const owner = {}
    for (let now = 0; now < 10_000; now += 1) queue.set(owner, now + 60)

    assert.equal(queue.next(), 60)
    assert.equal(queue.heapSize(), 1)
    assert.deepEqual(queue.takeDue(10_000), [])
    assert.deepEqual(queue.takeDue(10_059), [owner])
  })
})
