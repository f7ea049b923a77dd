import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createObservationBatcher } from '../../src/health/evaluation/observation-batcher.ts'
import type { Observation } from '../../src/registry/registry.ts'
import { createTime } from './time.ts'

function sentBy(many: number) {
  const time = createTime()
  const sent: (readonly Observation[])[] = []
  const outbox = createObservationBatcher({ clock: time.clock, send: (observations) => void sent.push(observations) })
  const health = { status: 'healthy', since: '2026-01-01T00:00:00Z' } as const
  for (let at = 0; at < many; at += 1) outbox.add({ id: `default/s${at}`, target: 't', health })
  const told = () => sent.flat().map(({ id }) => id)
  const ids = Array.from({ length: many }, (_, at) => `default/s${at}`)
  return { time, sent, outbox, told, ids }
}

describe('what is found about servers', () => {
  it('is told of a few at once, as one revision', async () => {
    const { time, sent, told, ids } = sentBy(100)

    await time.pass(200)

    assert.equal(sent.length, 1)
    assert.deepEqual(told(), ids)
  })

  it('is told of a crowd in several turns, of each once', async () => {
    const { time, sent, told, ids } = sentBy(3000)

    await time.pass(200)

    assert.ok(Math.max(...sent.map(({ length }) => length)) <= 200)
    assert.deepEqual(told(), ids)
  })

  it('is told at once where somebody waits for it', () => {
    const { sent, outbox, told, ids } = sentBy(3000)

    outbox.flush()

    assert.equal(sent.length, 1)
    assert.deepEqual(told(), ids)
  })
})
