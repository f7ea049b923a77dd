import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { silent } from '../../src/log.ts'
import { importAgents, parseImportedAgents } from '../../src/registrations/agent-import.ts'
import { openMemory } from '../../src/stores/memory.ts'

const defaults = { timeout: 60, eviction: 120 }

describe('agent import', () => {
  it('agent import writes new agents with their creation time, and leaves existing ones', async () => {
    await using store = openMemory({ log: silent })
    await importAgents(store, [{ id: 'known' }], defaults)
    const agents = Array.from({ length: 250 }, (_, at) => ({
      id: `agent-${at}`,
      created_at: '2024-01-02T03:04:05.000Z',
    }))

    const result = await importAgents(store, [{ id: 'known' }, ...agents], defaults)

    assert.deepEqual(result, { imported: 250, existing: ['known'], skipped: [] })
    const { registrations } = await store.load()
    assert.equal(registrations.length, 251)
    assert.equal(registrations.find(({ name }) => name === 'agent-249')?.created_at, '2024-01-02T03:04:05.000Z')
  })

  it('agent import skips an invalid agent, names its field, and imports the others', async () => {
    await using store = openMemory({ log: silent })
    let nested: unknown = {}
    for (let level = 0; level < 40; level += 1) nested = { nested }
    const agents = [
      { id: 'good' },
      { id: 'bad', namespace: 'Not A Label' },
      { id: 'deep', config: nested },
      { id: 'undated', created_at: 'yesterday' },
    ]

    const { imported, skipped } = await importAgents(store, agents, defaults)

    assert.equal(imported, 1)
    assert.deepEqual(
      skipped.map(({ agent_id, field }) => [agent_id, field]),
      [
        ['bad', 'namespace'],
        ['deep', 'registration'],
        ['undated', 'registration'],
      ],
    )
    assert.deepEqual(
      parseImportedAgents(agents, defaults).requests.map(({ id }) => id),
      ['good', 'undated'],
    )
  })
})
