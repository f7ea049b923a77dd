import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFeed } from '../../src/flow/feed.ts'

describe('a feed', () => {
  it('tells everybody, though one of them throws', () => {
    const errors: unknown[] = []
    const heard: number[] = []
    const feed = createFeed<number>({ onError: (error) => errors.push(error) })
    feed.subscribe(() => {
      throw new Error('mine alone')
    })
    feed.subscribe((value) => heard.push(value))

    feed.publish(1)
    feed.publish(2)

    assert.deepEqual(heard, [1, 2])
    assert.equal(errors.length, 2)
  })

  it('tells all the same things in the same order, also what is published by one who is told', () => {
    const heard: string[] = []
    const feed = createFeed<number>({ onError: assert.ifError })
    feed.subscribe((value) => {
      heard.push(`first ${value}`)
      if (value === 1) feed.publish(2)
    })
    feed.subscribe((value) => heard.push(`second ${value}`))

    feed.publish(1)

    assert.deepEqual(heard, ['first 1', 'second 1', 'first 2', 'second 2'])
  })

  it('tells nothing to whoever has left, and from the first moment to whoever comes', () => {
    const heard: number[] = []
    const feed = createFeed<number>({ onError: assert.ifError })
    const leave = feed.subscribe((value) => heard.push(value))

    feed.publish(1)
    leave()
    feed.publish(2)

    assert.deepEqual(heard, [1])
    assert.equal(feed.size(), 0)
  })
})
