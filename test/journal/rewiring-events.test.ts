import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ResolutionTrace, Rewiring, TraceStage } from '../../src/agents/resolution/resolution-port.ts'
import { encodeEvent } from '../../src/journal/event-encoding.ts'
import type { JournalEvent } from '../../src/journal/event.ts'
import { recordRewirings } from '../../src/journal/rewiring-events.ts'
import type { StoredEvent } from '../../src/stores/event.ts'

/** A recorder whose store holds `stored`, and whose clock stands still while a trace takes `traceMs`. */
function recording({ stored = [], traceMs = 0 }: { stored?: readonly StoredEvent[]; traceMs?: number } = {}) {
  const events: JournalEvent[] = []
  const reads: unknown[] = []
  let time = 0
  const recorder = recordRewirings({
    record: (event) => void events.push(event),
    read: async ({ filter }) => (reads.push(filter), { events: stored }),
    source: () => 'agents',
    isEnabled: () => true,
    onError: (error) => {
      throw error
    },
    now: () => time,
  })
  async function announce(
    ...rewirings: readonly Partial<Rewiring & { kept: number; evicted: number }>[]
  ): Promise<void> {
    for (const { kept = 1, evicted = 0, ...fields } of rewirings) {
      const base = {
        consumer: 'cons',
        consumerName: 'Consumer',
        namespace: 'default',
        function_name: 'use',
        dep_index: 0,
        capability: 'clock',
        before: undefined,
        after: undefined,
        reason: 'first' as const,
        ...fields,
      }
      recorder.listener({ ...base, trace: () => ((time += traceMs), traceOf(base, kept, evicted)) })
    }
    await recorder[Symbol.asyncDispose]()
  }

  return {
    events,
    reads,
    expectNoEvents: recorder.expectNoEvents,
    advance: (ms: number) => void (time += ms),
    announce,
    taken: () =>
      events
        .splice(0)
        .map(({ event_type, data }) => [event_type, (data?.() as ResolutionTrace | undefined)?.prior_chosen]),
  }
}

function traceOf({ consumer, dep_index, capability, after }: Omit<Rewiring, 'trace'>, kept: number, evicted: number) {
  const stage: TraceStage = {
    stage: 'tags',
    kept: Array.from({ length: kept }, (_, n) => `p-${n}:f`),
    evicted: Array.from({ length: evicted }, (_, n) => ({ id: `e-${n}:f`, reason: 'MissingTag' })),
  }
  return {
    consumer,
    dep_index,
    spec: { capability, schema_mode: 'none' as const },
    stages: [stage],
    ...(after !== undefined && { chosen: { agent_id: after, endpoint: 'http://h', function_name: 'f' } }),
  }
}

describe('the events of rewiring', () => {
  it('are written for a first answer only where there was a choice, or a candidate fell out', async () => {
    const { announce, taken } = recording()
    await announce({ after: 'p-0' }, { dep_index: 1, after: 'p-0', kept: 2 }, { dep_index: 2, kept: 0 })
    assert.deepEqual(taken(), [['dependency_resolved', undefined]])

    await announce({ dep_index: 2, reason: 'unresolved', kept: 0, evicted: 1 })
    await announce({ dep_index: 2, reason: 'unresolved', kept: 0, evicted: 1 })
    assert.deepEqual(taken(), [['dependency_unresolved', undefined]])
  })

  it('are written for every change, with the provider before', async () => {
    const { announce, taken } = recording()
    await announce(
      { reason: 'found', after: 'a' },
      { reason: 'better_provider', before: 'a', after: 'b' },
      { reason: 'lost', before: 'b', kept: 0 },
      { reason: 'found', after: 'b' },
    )

    assert.deepEqual(taken(), [
      ['dependency_resolved', undefined],
      ['dependency_resolved', 'a'],
      ['dependency_unresolved', 'b'],
      ['dependency_resolved', 'b'],
    ])
  })

  it('name the agent as it names itself, beside its id', async () => {
    const { announce, events } = recording()
    await announce({ reason: 'found', after: 'a' })

    assert.deepEqual(
      events.map(({ agent_id, agent_name }) => [agent_id, agent_name]),
      [['cons', 'Consumer']],
    )
  })

  it('are written once for equal traces, whatever the order of the candidates', async () => {
    const { announce, taken } = recording()
    await announce({ reason: 'provider_changed', before: 'a', after: 'a', kept: 2 })
    await announce({ reason: 'provider_changed', before: 'a', after: 'a', kept: 2 })

    assert.equal(taken().length, 1)
  })

  it('continue after a restart from what is stored', async () => {
    const before = recording()
    await before.announce({ after: 'a', kept: 2 })
    const stored = before.events.map((event) => ({ id: '1', at: '', ...encodeEvent(event) }))
    const { announce, reads, taken } = recording({ stored })
    await announce({ after: 'a', kept: 2 })
    assert.deepEqual(taken(), [])
    await announce({ consumer: 'cons', dep_index: 0, reason: 'first', after: 'b' })

    assert.deepEqual(taken(), [['dependency_resolved', 'a']])
    assert.deepEqual(reads, [{ agent_id: 'cons', function_name: 'use', type: 'rewired' }])
  })

  it('of a new agent read nothing', async () => {
    const { announce, expectNoEvents, reads } = recording()
    expectNoEvents('cons')
    await announce({ after: 'a', kept: 2 })

    assert.deepEqual(reads, [])
  })

  it('have no stages beyond the time that traces may take, and first answers are then left out', async () => {
    const { announce, advance, events, taken } = recording({ traceMs: 30 })
    await announce({ reason: 'found', after: 'a' })
    await announce({ reason: 'lost', before: 'a' }, { dep_index: 1, after: 'a', kept: 2 })
    const [, late] = events.map(({ data }) => data?.() as ResolutionTrace)
    assert.deepEqual(late?.stages, [])
    assert.equal(taken().length, 2)

    advance(1000)
    await announce({ dep_index: 1, after: 'a', kept: 2 })
    assert.equal(taken().length, 1)
  })
})
