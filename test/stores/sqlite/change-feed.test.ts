import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { createLineage } from '../../../src/stores/sql/lineage.ts'
import { createOwnWrites } from '../../../src/stores/sql/own-writes.ts'
import { createChangeFeed } from '../../../src/stores/sqlite/change-feed.ts'
import { createSqliteOperations } from '../../../src/stores/sqlite/database.ts'
import { createHeartbeatTable } from '../../../src/stores/sqlite/heartbeat-table.ts'
import { createMetaTable } from '../../../src/stores/sqlite/meta-table.ts'
import { openDatabase } from '../../../src/stores/sqlite/open-database.ts'
import { put } from '../builders.ts'

it('the change feed returns a write of another process during one read with the next read', () => {
  const folder = mkdtempSync(join(tmpdir(), 'roster-'))
  const path = join(folder, 'roster.db')
  using database = openDatabase(path)
  using other = openDatabase(path)
  const { commit } = createSqliteOperations(other, createLineage())
  const meta = createMetaTable(database)
  let onRead = () => {}
  const changesSince = createChangeFeed({
    database,
    meta: {
      ...meta,
      get: (key) => {
        if (key === 'version') onRead()
        return meta.get(key)
      },
    },
    ownWrites: createOwnWrites(),
    heartbeatTable: createHeartbeatTable(database, 'one'),
    lineage: createLineage(),
    catchUp: () => assert.fail('the file did not go back'),
    writer: 'one',
  })
  let batch = changesSince({ version: '0' })
  const read = () => {
    assert.ok(!batch.compacted)
    batch = changesSince(batch.cursor)
    assert.ok(!batch.compacted)
    return batch.changes.map((one) => (one.type === 'put' ? one.registration.name : one.type))
  }
  assert.deepEqual(read(), [])

  onRead = () => {
    onRead = () => {}
    commit([put({ name: 'late' })])
  }

  assert.deepEqual([...read(), ...read()], ['late'])
  rmSync(folder, { recursive: true })
})
