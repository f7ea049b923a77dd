import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { createDeliveryLoop, forEachCatching } from '../../../src/api/watch/delivery-loop.ts'

describe('the delivery loop', () => {
  it('delivers once for several wakes in one turn', async () => {
    let deliveries = 0
    const delivered = Promise.withResolvers<void>()
    const loop = createDeliveryLoop({
      isNeeded: () => true,
      deliverAll: async () => {
        deliveries += 1
        delivered.resolve()
      },
      onError: (error) => assert.fail(String(error)),
    })

    for (let wakes = 0; wakes < 3; wakes += 1) loop.wake()
    await delivered.promise
    await setImmediate()

    assert.equal(deliveries, 1)
    assert.equal(loop.isRunning(), false)
  })

  it('delivers again where it is woken during a delivery', async () => {
    let deliveries = 0
    const finished = Promise.withResolvers<void>()
    const loop = createDeliveryLoop({
      isNeeded: () => true,
      deliverAll: async () => {
        deliveries += 1
        if (deliveries === 1) loop.wake()
        else finished.resolve()
      },
      onError: (error) => assert.fail(String(error)),
    })

    loop.wake()
    await finished.promise

    assert.equal(deliveries, 2)
  })

  it('stays idle while no watcher exists', async () => {
    const loop = createDeliveryLoop({
      isNeeded: () => false,
      deliverAll: () => assert.fail('delivered to none'),
      onError: (error) => assert.fail(String(error)),
    })

    loop.wake()
    await setImmediate()

    assert.equal(loop.isRunning(), false)
  })

  it('reports an error, and runs again with the next wake', async () => {
    const errors: unknown[] = []
    const second = Promise.withResolvers<void>()
    const loop = createDeliveryLoop({
      isNeeded: () => true,
      deliverAll: async () => {
        if (errors.length === 0) throw new Error('first')
        second.resolve()
      },
      onError: (error) => {
        errors.push(error)
        loop.wake()
      },
    })

    loop.wake()
    await second.promise

    assert.match(String(errors[0]), /first/)
  })
})

describe('an action on each of many items', () => {
  it('goes on after an item that throws', async () => {
    const done: number[] = []
    const errors: unknown[] = []

    await forEachCatching(
      [1, 2, 3],
      (item) => {
        if (item === 2) throw new Error('two')
        done.push(item)
      },
      (error) => errors.push(error),
    )

    assert.deepEqual(done, [1, 3])
    assert.equal(errors.length, 1)
  })
})
