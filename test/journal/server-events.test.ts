import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JournalEvent } from '../../src/journal/event.ts'
import { recordServerEvents } from '../../src/journal/server-events.ts'
import { createTestRegistry } from '../test-registry.ts'

function recording({ starting = [] }: { starting?: string[] } = {}) {
  const roster = createTestRegistry()
  const events: JournalEvent[] = []
  const settings = { enabled: true }
  recordServerEvents({
    registry: roster.registry,
    starting: () => starting,
    record: (event) => void events.push(event),
    isEnabled: () => settings.enabled,
  })
  const taken = () => events.splice(0).map(({ data, ...event }) => ({ ...event, data: data?.() }))
  return { ...roster, settings, starting, taken }
}

const place = (name: string) => ({ server: `default/${name}`, namespace: 'default', source: 'test', isShared: true })

describe('the events of servers', () => {
  it('tell that servers are added, changed and removed, with what changed', () => {
    const { put, drop, taken } = recording()
    const capabilities = (...names: string[]) => names.map((name) => ({ name }))
    put({ name: 'a', version: '1', description: 'x', capabilities: capabilities('one', 'two') })
    put({ name: 'a', version: '2', description: 'y', capabilities: capabilities('two', 'three') })
    put({ name: 'a', version: '2', description: 'y', capabilities: capabilities('two', 'three') })
    drop('a')

    assert.deepEqual(taken(), [
      { type: 'added', ...place('a'), data: { origin: 'test' } },
      {
        type: 'changed',
        ...place('a'),
        data: {
          fields: ['description', 'version', 'capabilities'],
          changes: { version: ['1', '2'] },
          capabilities: { added: ['three'], removed: ['one'] },
        },
      },
      { type: 'removed', ...place('a'), data: { origin: 'test' } },
    ])
  })

  it('tell each turn of a status that is news', () => {
    const { put, taken } = recording()
    const turns = ['pending', 'healthy', 'degraded', 'unhealthy', 'offline', 'healthy', 'pending', 'unhealthy'] as const
    for (const status of turns) put({ name: 'a', status })

    assert.deepEqual(
      taken()
        .slice(1)
        .map(({ type, data }) => [type, data]),
      [
        ['status', { old_status: 'healthy', new_status: 'degraded' }],
        ['status', { old_status: 'degraded', new_status: 'unhealthy' }],
        ['status', { old_status: 'unhealthy', new_status: 'offline' }],
        ['recovered', { old_status: 'offline', new_status: 'healthy' }],
        ['status', { old_status: 'pending', new_status: 'unhealthy' }],
      ],
    )
  })

  it('do not tell what a source lists when it is read for the first time', () => {
    const { put, drop, starting, taken } = recording({ starting: ['test'] })
    put({ name: 'a' }, { name: 'b' })
    starting.pop()
    put({ name: 'c' })
    drop('a')

    assert.deepEqual(
      taken().map(({ type, server }) => `${type} ${server}`),
      ['added default/c', 'removed default/a'],
    )
  })

  it('tell a thousand servers of one revision, and the number of the others', async () => {
    const { change, taken } = recording()
    change(Array.from({ length: 1500 }, (_, n) => ({ name: `s-${n}` })))
    await new Promise((resolve) => setImmediate(resolve))
    const events = taken()
    while (events.length < 1001) {
      await new Promise((resolve) => setImmediate(resolve))
      events.push(...taken())
    }

    const summary = events.filter(({ server }) => server === undefined)
    assert.equal(events.length, 1001)
    assert.deepEqual(summary, [
      { type: 'added', source: 'test', reason: 'many_at_once', isShared: true, data: { more: 500 } },
    ])
  })

  it('are not made while events are disabled', () => {
    const { put, settings, taken } = recording()
    settings.enabled = false
    put({ name: 'a' })

    assert.deepEqual(taken(), [])
  })
})
