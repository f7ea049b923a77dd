import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encodeEvent, eventView } from '../../src/journal/event-encoding.ts'
import { eventProblem } from '../../src/stores/compare-and-set.ts'
import { statusOf } from './test-journal.ts'

const viewOf = (event: Parameters<typeof encodeEvent>[0]) => eventView({ id: '7', at: 'now', ...encodeEvent(event) })

describe('an encoded event', () => {
  it('is shown with its fields, and with its type where the original has no name for it', () => {
    const event = statusOf('default/a', { agent_id: 'a', agent_name: 'A', principal: 'ann', data: () => ({ n: 1 }) })

    assert.deepEqual(viewOf(event), {
      id: '7',
      timestamp: 'now',
      type: 'status',
      event_type: 'status',
      namespace: 'default',
      server: 'default/a',
      agent_id: 'a',
      source: 'file',
      agent_name: 'A',
      reason: 'refused',
      principal: 'ann',
      data: { n: 1 },
    })
    assert.equal(viewOf({ ...event, event_type: 'unhealthy' })['event_type'], 'unhealthy')
  })

  it('holds no secret', () => {
    const event = statusOf('default/a', {
      reason: 'GET https://ann:hunter22@h/?token=hunter22 failed',
      data: () => ({ url: ['https://ann:hunter22@h/', null], headers: { authorization: 'Bearer hunter22' } }),
    })

    const text = JSON.stringify(encodeEvent(event))

    assert.ok(text.includes('<redacted>'))
    assert.ok(!text.includes('hunter22'), text)
  })

  it('can be stored, however long and odd its texts are', () => {
    const event = statusOf('n\0l \ud83e', {
      reason: 'x'.repeat(100_000),
      function_name: 'f'.repeat(10_000),
      data: () => ({
        dep_index: 0,
        list: Array.from({ length: 5000 }, (_, n) => `item ${n}`),
        text: 'y'.repeat(50_000),
      }),
    })
    const deep = statusOf('default/a', {
      data: () => Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`key ${n}`, 'value'])),
    })

    for (const one of [event, deep]) assert.equal(eventProblem({ ...encodeEvent(one), age_ms: 0 }), undefined)
    const { data } = viewOf(event) as { data: { list: unknown[]; text: string; truncated: boolean; dep_index: number } }
    assert.deepEqual([data.list.length, data.text.length, data.truncated, data.dep_index], [20, 200, true, 0])
    assert.deepEqual(viewOf(deep)['data'], { truncated: true })
  })

  it('has the same digest at every replica, and another one for another event', () => {
    const event = statusOf('default/a', { isShared: true, data: () => ({ new_status: 'unhealthy' }) })
    const others = [
      { ...event, reason: 'timeout' },
      { ...event, server: 'default/b' },
      { ...event, data: undefined },
    ]

    const { digest } = encodeEvent(event)

    assert.ok(digest)
    assert.equal(encodeEvent({ ...event, at: 5 }).digest, digest)
    for (const other of others) assert.notEqual(encodeEvent(other).digest, digest)
    assert.equal(encodeEvent({ ...event, isShared: false }).digest, undefined)
    assert.equal(encodeEvent(event, 3).digest, undefined)
  })
})
