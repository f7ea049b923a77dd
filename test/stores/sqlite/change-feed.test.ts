import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'node:test'
import { createOwnWrites } from '../../../src/stores/sql/own-writes.ts'
import { createChangeFeed } from '../../../src/stores/sqlite/change-feed.ts'
import { createSqliteOperations } from '../../../src/stores/sqlite/database.ts'
import { createHeartbeatTable } from '../../../src/stores/sqlite/heartbeat-table.ts'
import { createMetaTable } from '../../../src/stores/sqlite/meta.ts'
import { openDatabase } from '../../../src/stores/sqlite/open-database.ts'
import { put } from '../builders.ts'

it('what another process writes to the file just while somebody looks is told by the next look', () => {
  const folder = mkdtempSync(join(tmpdir(), 'roster-'))
  const path = join(folder, 'roster.db')
  using database = openDatabase(path)
  using other = openDatabase(path)
  const { commit } = createSqliteOperations(other)
  const meta = createMetaTable(database)
  let meanwhile = () => {}
  const since = createChangeFeed({
    database,
    meta: {
      ...meta,
      get: (key) => {
        if (key === 'version') meanwhile()
        return meta.get(key)
      },
    },
    own: createOwnWrites(),
    heard: createHeartbeatTable(database, 'one'),
    writer: 'one',
  })
  let found = since({ version: '0' })
  const look = () => {
    assert.ok(!found.compacted)
    found = since(found.cursor)
    assert.ok(!found.compacted)
    return found.changes.map((one) => (one.type === 'put' ? one.registration.name : one.type))
  }
  assert.deepEqual(look(), [])

  meanwhile = () => {
    meanwhile = () => {}
    commit([put({ name: 'late' })])
  }

  assert.deepEqual([...look(), ...look()], ['late'])
  rmSync(folder, { recursive: true })
})
