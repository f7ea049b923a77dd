import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createObservationBatcher } from '../../../src/health/evaluation/observation-batcher.ts'
import type { Observation } from '../../../src/registry/registry.ts'
import { createFakeClock } from '../fake-clock.ts'

function batcherWith(count: number) {
  const time = createFakeClock()
  const sent: (readonly Observation[])[] = []
  const batcher = createObservationBatcher({ clock: time.clock, send: (observations) => void sent.push(observations) })
  const health = { status: 'healthy', since: '2026-01-01T00:00:00Z' } as const
  for (let at = 0; at < count; at += 1) batcher.add({ id: `default/s${at}`, target: 't', health })
  const sentIds = () => sent.flat().map(({ id }) => id)
  const ids = Array.from({ length: count }, (_, at) => `default/s${at}`)
  return { time, sent, batcher, sentIds, ids }
}

describe('observation batcher', () => {
  it('sends a small burst as one revision', async () => {
    const { time, sent, sentIds, ids } = batcherWith(100)

    await time.pass(200)

    assert.equal(sent.length, 1)
    assert.deepEqual(sentIds(), ids)
  })

  it('sends a large burst in several revisions, each observation once', async () => {
    const { time, sent, sentIds, ids } = batcherWith(3000)

    await time.pass(200)

    assert.ok(Math.max(...sent.map(({ length }) => length)) <= 200)
    assert.deepEqual(sentIds(), ids)
  })

  it('sends everything as one revision when flushed', () => {
    const { sent, batcher, sentIds, ids } = batcherWith(3000)

    batcher.flush()

    assert.equal(sent.length, 1)
    assert.deepEqual(sentIds(), ids)
  })
})
