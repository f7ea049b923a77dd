import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createRequestLimiter } from '../../../../src/sources/kubernetes/connection/request-limiter.ts'
import { defaultKubeTuning } from '../../../../src/sources/kubernetes/tuning.ts'

const neverAborts = new AbortController().signal

const openLimiter = (tuning = {}) =>
  createRequestLimiter({ ...defaultKubeTuning, minRetryMs: 60_000, random: () => 0, ...tuning })

/** Whether a promise is settled once all ready callbacks have run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, pending))])) !== pending
}

describe('request limiter', () => {
  it('lets every request pass while the server works', async () => {
    const limiter = openLimiter()
    assert.deepEqual(await Promise.all([limiter.enter(neverAborts), limiter.enter(neverAborts)]), [false, false])
  })

  it('admits one trial at a time after a failure, and all requests once it succeeds', async () => {
    const limiter = openLimiter()
    limiter.reportFailure()
    limiter.skipBackoff()
    assert.equal(await limiter.enter(neverAborts), true)
    const second = limiter.enter(neverAborts)
    assert.equal(await isSettled(second), false)

    limiter.reportSuccess()

    assert.equal(await second, false)
    assert.equal(limiter.failures(), 0)
  })

  it('admits another trial if the first one is cancelled', async () => {
    const limiter = openLimiter()
    limiter.reportFailure()
    limiter.skipBackoff()
    await limiter.enter(neverAborts)
    const second = limiter.enter(neverAborts)

    limiter.releaseTrial()

    assert.equal(await second, true)
  })

  it('counts concurrent failures once', () => {
    const limiter = openLimiter()
    limiter.reportFailure()
    limiter.reportFailure()
    assert.equal(limiter.failures(), 1)
  })

  it('releases a waiting request when its signal aborts', async () => {
    const limiter = openLimiter()
    limiter.reportFailure()
    const stop = new AbortController()
    const waiting = limiter.enter(stop.signal)

    stop.abort()

    assert.equal(await waiting, false)
  })

  it('runs no more than the maximum of concurrent lists', async () => {
    const limiter = openLimiter({ maxConcurrentLists: 2 })
    const release = Promise.withResolvers<void>()
    let running = 0
    const list = () => {
      running++
      return release.promise
    }
    const lists = [1, 2, 3].map(() => limiter.runList(neverAborts, { urgent: true }, list))

    assert.equal(await isSettled(lists[2] ?? Promise.resolve()), false)
    assert.equal(running, 2)
    release.resolve()
    await Promise.all(lists)
    assert.equal(running, 3)
  })
})
