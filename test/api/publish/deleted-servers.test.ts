import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDeletedServers } from '../../../src/api/publish/deleted-servers.ts'
import { createTestRegistry } from '../../test-registry.ts'

function create(maxServers?: number) {
  const roster = createTestRegistry()
  const deleted = createDeletedServers({
    subscribe: roster.registry.subscribe,
    now: () => Date.parse('2026-01-31T12:00:00Z'),
    ...(maxServers === undefined ? {} : { maxServers }),
  })
  return { ...roster, deleted, idsAfter: (id?: string) => deleted.list(id).map((one) => one.id) }
}

describe('the list of deleted servers', () => {
  it('holds a server once it is removed or disabled, with the time', () => {
    const { put, drop, deleted, idsAfter } = create()
    put({ name: 'a', version: '1.2.0', description: 'Maps.' }, { name: 'b' }, { name: 'c' })

    drop('a')
    put({ name: 'b', enabled: false })

    assert.deepEqual(idsAfter(), ['default/a', 'default/b'])
    assert.deepEqual(idsAfter('default/a'), ['default/b'])
    const { description, version, deleted_at } = deleted.get('default/a') ?? assert.fail('not listed')
    assert.deepEqual([description, version, deleted_at], ['Maps.', '1.2.0', '2026-01-31T12:00:00.000Z'])
  })

  it('drops a server that is published again', () => {
    const { put, drop, idsAfter } = create()
    put({ name: 'a' })
    drop('a')

    put({ name: 'a' })

    assert.deepEqual(idsAfter(), [])
  })

  it('holds no server that was never published', () => {
    const { put, drop, idsAfter } = create()
    put({ name: 'a', enabled: false })

    drop('a')

    assert.deepEqual(idsAfter(), [])
  })

  it('holds the newest servers up to its maximum', () => {
    const { put, drop, idsAfter } = create(2)
    put({ name: 'a' }, { name: 'b' }, { name: 'c' })

    for (const name of ['c', 'a', 'b']) drop(name)

    assert.deepEqual(idsAfter(), ['default/a', 'default/b'])
  })
})
