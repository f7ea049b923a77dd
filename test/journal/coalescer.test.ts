import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createCoalescer } from '../../src/journal/coalescer.ts'
import type { JournalEvent } from '../../src/journal/event.ts'
import { statusOf } from './test-journal.ts'

const minute = 60_000

describe('the coalescer', () => {
  it('admits five turns of a status in five minutes, then one that stands for all others', () => {
    const coalescer = createCoalescer()
    const turns: JournalEvent[] = Array.from({ length: 20 }, (_, n) =>
      statusOf('default/a', { type: n % 2 ? 'recovered' : 'expired', reason: `turn ${n}` }),
    )
    const admitted = turns.filter((event, n) => coalescer.admits({ event, at: n * 1000 }))

    assert.deepEqual(admitted, turns.slice(0, 5))
    assert.deepEqual(coalescer.close(5 * minute - 1), [])
    assert.deepEqual(coalescer.close(5 * minute), [{ event: turns[19], at: 19_000, coalesced: 15 }])
    assert.deepEqual(coalescer.close(20 * minute), [])
    assert.equal(coalescer.admits({ event: turns[0]!, at: 6 * minute }), true)
  })

  it('counts servers, kinds of events, dependencies and sources apart', () => {
    const coalescer = createCoalescer()
    const events = [
      statusOf('default/a'),
      statusOf('default/b'),
      statusOf('default/a', { type: 'changed' }),
      statusOf('default/a', { type: 'registered' }),
      statusOf('default/a', { type: 'rewired', slot: 'f 0' }),
      statusOf('default/a', { type: 'rewired', slot: 'f 1' }),
      { type: 'source', source: 'files' } as const,
      { type: 'source', source: 'dns' } as const,
    ]

    for (const event of events)
      for (let n = 0; n < 5; n += 1) assert.equal(coalescer.admits({ event, at: 0 }), true, event.type)
    for (const event of events) assert.equal(coalescer.admits({ event, at: 0 }), false, event.type)
    assert.equal(coalescer.closeAll().length, events.length)
  })

  it('holds no definition for the rest of its window, but what the event says of it', () => {
    const coalescer = createCoalescer()
    let made = 0
    const change = (n: number): JournalEvent => ({
      ...statusOf('default/a', { type: 'changed' }),
      data: () => ((made += 1), { fields: [`field-${n}`] }),
    })
    for (let n = 0; n < 8; n += 1) coalescer.admits({ event: change(n), at: 0 })

    assert.equal(made, 3, 'those that were counted')
    const [last] = coalescer.closeAll()
    assert.deepEqual(last?.event.data?.(), { fields: ['field-7'] })
    assert.equal(made, 3)
  })
})
