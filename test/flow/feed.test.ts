import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFeed } from '../../src/flow/feed.ts'

describe('feed', () => {
  it('delivers to all subscribers although one throws', () => {
    const errors: unknown[] = []
    const received: number[] = []
    const feed = createFeed<number>({ onError: (error) => errors.push(error) })
    feed.subscribe(() => {
      throw new Error('broken')
    })
    feed.subscribe((value) => received.push(value))

    feed.publish(1)
    feed.publish(2)

    assert.deepEqual(received, [1, 2])
    assert.equal(errors.length, 2)
  })

  it('delivers in the same order to all, also values published by a subscriber', () => {
    const received: string[] = []
    const feed = createFeed<number>({ onError: assert.ifError })
    feed.subscribe((value) => {
      received.push(`first ${value}`)
      if (value === 1) feed.publish(2)
    })
    feed.subscribe((value) => received.push(`second ${value}`))

    feed.publish(1)

    assert.deepEqual(received, ['first 1', 'second 1', 'first 2', 'second 2'])
  })

  it('delivers from the moment of the subscription until its end', () => {
    const received: number[] = []
    const feed = createFeed<number>({ onError: assert.ifError })
    const unsubscribe = feed.subscribe((value) => received.push(value))

    feed.publish(1)
    unsubscribe()
    feed.publish(2)

    assert.deepEqual(received, [1])
    assert.equal(feed.size(), 0)
  })
})
