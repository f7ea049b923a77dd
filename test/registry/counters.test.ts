import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Change, RegisteredServer } from '../../src/model/change.ts'
import { createCounters } from '../../src/registry/counters.ts'
import { registered } from '../builders.ts'
import { createRandom } from '../random.ts'

/** The expected totals, counted from scratch. */
function countAll(all: Iterable<RegisteredServer>) {
  const [enabled, disabled, shadowed] = [new Map(), new Map(), new Map<string, number>()]
  const add = (counts: Map<string, number>, key: string) => counts.set(key, (counts.get(key) ?? 0) + 1)
  let [stale, capabilities] = [0, 0]
  for (const { server } of all) {
    add(server.enabled ? enabled : disabled, server.status)
    for (const { source } of server.shadows) add(shadowed, source)
    stale += Number(server.stale)
    capabilities += server.capabilities.length
  }
  return { enabled, disabled, stale, capabilities, shadowed }
}

describe('counters', () => {
  it('equal a count from scratch after every batch, of few changes or of hundreds', () => {
    const { label, pick, some, chance, below } = createRandom()
    const all = new Map<string, RegisteredServer>()
    const counters = createCounters()
    const made = (name: string) =>
      registered({
        name,
        status: pick(['healthy', 'pending', 'unknown']),
        enabled: chance(0.8),
        stale: chance(0.2),
        shadows: some(['env', 'file', 'file']).map((source, at) => ({ source, origin: `${at}` })),
        capabilities: some(['forecast', 'route']).map((name) => ({ name, version: '1.0.0' })),
      } as Parameters<typeof registered>[0])
    function change(name: string): Change {
      const before = all.get(name)
      const now = chance(0.7) || !before ? made(name) : undefined
      if (now) all.set(name, now)
      else all.delete(name)
      if (!now) return { type: 'DELETED', before: before as RegisteredServer }
      return before ? { type: 'MODIFIED', now, before } : { type: 'ADDED', now }
    }

    for (let round = 0; round < 60; round += 1) {
      const many = chance(0.3) ? 500 : below(5)
      const names = new Set(Array.from({ length: many }, () => `s${below(1000)}`))
      counters.apply([...names].map(change))

      if (chance(0.5)) assert.deepEqual(counters.read(), countAll(all.values()), label)
    }
    assert.deepEqual(counters.read(), countAll(all.values()), label)
  })
})
