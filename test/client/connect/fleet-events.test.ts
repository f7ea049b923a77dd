import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createFleetEvents, type FleetEvent } from '../../../src/client/connect/fleet-events.ts'

async function all(events: AsyncIterable<FleetEvent>): Promise<FleetEvent[]> {
  const seen: FleetEvent[] = []
  for await (const event of events) seen.push(event)
  return seen
}

describe('the events of a fleet', () => {
  it('reach each reader from the moment it asks; a slow one loses the oldest, and is told how many', async () => {
    const { emit, events, close } = createFleetEvents({ maxQueued: 2 })
    emit({ type: 'connected', server: 'default/early', reason: '' })
    const quick = events()
    const slow = events()

    const seen: unknown[] = []
    for (const server of ['a', 'b', 'c', 'd']) {
      emit({ type: 'connected', server, reason: '' })
      const { value } = await quick.next()
      seen.push(value && 'server' in value && value.server)
    }
    close()
    const late = await all(slow)

    assert.deepEqual(seen, ['a', 'b', 'c', 'd'])
    assert.deepEqual(
      late.map((event) => ('count' in event ? event.count : 'server' in event && event.server)),
      [2, 'c', 'd'],
    )
    assert.equal((await quick.next()).done, true)
  })

  it('end with the signal of their reader', async () => {
    const { emit, events } = createFleetEvents()
    const controller = new AbortController()
    const reader = events({ signal: controller.signal })
    emit({ type: 'lost', server: 'a', reason: '' })

    controller.abort()

    assert.equal((await all(reader)).length, 1)
  })
})
