import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ProbeTarget } from '../../../src/health/probe-target.ts'
import { createConcurrencyLimiter } from '../../../src/health/scheduling/concurrency-limiter.ts'

const at = (host: string): ProbeTarget => ({ key: host, targetKey: host, host, ids: new Set() })

function limiterFor(concurrency: number, perHost: number) {
  const slow = new Set<ProbeTarget>()
  const limiter = createConcurrencyLimiter({
    limits: () => ({ max_concurrency: concurrency, max_concurrency_per_host: perHost }),
    isSlow: (target) => slow.has(target),
  })
  const offered = (target: ProbeTarget) => (limiter.offer(target), limiter.take())
  const slowAt = (host: string) => {
    const target = at(host)
    slow.add(target)
    return target
  }
  return { ...limiter, offered, slowAt }
}

describe('concurrency limiter', () => {
  it('gives slow targets at most half of the slots', () => {
    const { offered, slowAt, waiting, running } = limiterFor(4, 1)
    const slow = [slowAt('one'), slowAt('two'), slowAt('three')] as const
    const fast = [at('four'), at('five'), at('six')] as const

    assert.deepEqual(slow.map(offered), [slow[0], slow[1], undefined])
    assert.deepEqual(fast.map(offered), [fast[0], fast[1], undefined])
    assert.deepEqual([waiting(), running()], [2, 4])
  })

  it('prefers a target that waited for its host to a new one', () => {
    const { offered, offer, take, release } = limiterFor(2, 1)
    const [running, parked, other] = [at('one'), at('one'), at('two')]
    assert.equal(offered(running), running)
    assert.equal(offered(parked), undefined)
    offer(other)

    release(running, false)

    assert.equal(take(), parked)
    assert.equal(take(), other)
  })

  it('unparks the next target of a host when the one before is withdrawn', () => {
    const { offered, slowAt, take, release, withdraw } = limiterFor(4, 1)
    const [running, unparked, waiting] = [at('one'), slowAt('one'), at('one')]
    assert.equal(offered(running), running)
    assert.equal(offered(unparked), undefined, 'its host is busy')
    assert.equal(offered(waiting), undefined, 'its host is busy')
    for (const slow of [slowAt('two'), slowAt('three')]) assert.equal(offered(slow), slow)

    release(running, false)
    assert.equal(take(), undefined, 'all slots for slow targets are taken')
    withdraw(unparked)

    assert.equal(take(), waiting)
  })
})
