import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAgentTable } from '../../src/agents/agent-table.ts'
import type { Agent } from '../../src/agents/agent.ts'
import { createAgentBytes } from '../../src/agents/registering/agent-bytes.ts'
import { createTestLeases, noByteLimits, storedRegistration } from './fixtures.ts'

function createTable() {
  const { leases, advance } = createTestLeases()
  const gone: string[] = []
  const table = createAgentTable({
    bytes: createAgentBytes(() => noByteLimits),
    leases,
    onGone: (ids) => gone.push(...ids),
  })
  return { table, leases, gone, advance }
}

const owned = (id: string, version: string, holder: string) => ({
  ...storedRegistration(id, version),
  lease: { timeout: 60, eviction: 120, holder },
})

const newerThan3 = { isKept: ({ stored }: Agent) => Number(stored.resource_version) > 3 }

describe('agent table', () => {
  it('agent table keeps the newest version of an agent in any order of arrival', () => {
    const { table } = createTable()
    table.applyRegistration(storedRegistration('a', '9', { version: '2.0.0' }))

    assert.equal(table.applyRegistration(storedRegistration('a', '8', { version: '1.0.0' })), undefined)
    assert.equal(table.get('a')?.definition.version, '2.0.0')
    assert.equal(table.applyRegistration(storedRegistration('a', '10'))?.stored.resource_version, '10')
  })

  it('agent table ignores a registration older than the deletion, and a deletion older than the registration', () => {
    const { table, gone } = createTable()
    table.applyRegistration(storedRegistration('a', '5'))
    table.applyDeletion('a', '4')
    assert.equal(table.get('a')?.id, 'a')

    table.applyDeletion('a', '6')
    assert.equal(table.applyRegistration(storedRegistration('a', '5')), undefined)

    assert.deepEqual(gone, ['a'])
    assert.equal(table.applyRegistration(storedRegistration('a', '7'))?.id, 'a')
  })

  it('agent table counts agents by holder through takeovers and removals', () => {
    const { table } = createTable()
    table.applyRegistration(owned('a', '1', 'one'))
    table.applyRegistration(owned('b', '2', 'one'))
    table.applyRegistration(owned('b', '3', 'two'))
    assert.deepEqual(['one', 'two', 'three'].map(table.countOf), [1, 1, 0])

    table.remove(['a'])

    assert.deepEqual(['one', 'two'].map(table.countOf), [0, 1])
  })

  it('agent table keeps the lease of an agent that registers other terms', () => {
    const { table } = createTable()
    const lease = table.applyRegistration(storedRegistration('a', '1'))?.lease

    const changed = table.applyRegistration(storedRegistration('a', '2', { timeout_threshold: 5 }))

    assert.equal(changed?.lease, lease)
    assert.equal(changed?.lease.terms.timeout, 5000)
  })

  it('agent table counts silence after a restart only as far as it exceeds the shortest one', () => {
    const { table, leases, advance } = createTable()
    const registrations = ['recent', 'silent', 'never'].map((id, at) => storedRegistration(id, String(at + 1)))
    const heartbeats = [
      { name: 'recent', age_ms: 600_000 },
      { name: 'silent', age_ms: 690_000, self_report: 'degraded' },
    ]

    table.load(registrations, heartbeats, newerThan3)

    const statuses = () => ['recent', 'silent', 'never'].map((id) => leases.get(id)?.status)
    assert.deepEqual(statuses(), ['healthy', 'unhealthy', 'pending'])
    advance(59.9)
    leases.applyExpirations()
    assert.deepEqual(statuses(), ['healthy', 'offline', 'pending'])
  })

  it('agent table keeps agents newer than a loaded snapshot, and removes older ones that it lacks', () => {
    const { table, gone } = createTable()
    for (const [id, version] of Object.entries({ old: '1', new: '5' }))
      table.applyRegistration(storedRegistration(id, version))

    const applied = table.load([storedRegistration('other', '2')], [], newerThan3)

    assert.deepEqual(
      applied.map(({ id }) => id),
      ['other'],
    )
    assert.deepEqual(gone, ['old'])
    assert.deepEqual(Array.from(table.all(), ({ id }) => id).toSorted(), ['new', 'other'])
  })

  it("agent table returns the agents whose status a replica's heartbeats changed", () => {
    const { table } = createTable()
    for (const [id, version] of Object.entries({ a: '1', b: '2' }))
      table.applyRegistration(storedRegistration(id, version))
    table.applyHeartbeats([{ name: 'b', age_ms: 0 }])

    const changed = table.applyHeartbeats([
      { name: 'a', age_ms: 0 },
      { name: 'b', age_ms: 0 },
      { name: 'unknown', age_ms: 0 },
    ])

    assert.deepEqual(
      changed.map(({ id, lease }) => [id, lease.status]),
      [['a', 'healthy']],
    )
  })
})
