import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pendingMigrations, schemaVersion } from '../../../src/stores/sql/pending-migrations.ts'

const migrations = ['one', 'two', 'three']

describe('the pending migrations', () => {
  for (const [title, contents, expected] of [
    ['of an empty database are all', { tables: [], schema: undefined }, migrations],
    ['of an older store are the later ones', { tables: ['roster_meta'], schema: 1 }, ['two', 'three']],
    ['of a current store are none', { tables: ['roster_meta'], schema: 3 }, []],
  ] as const) {
    it(title, () => assert.deepEqual(pendingMigrations(migrations, contents, 'x.db'), expected))
  }

  for (const [title, contents, reason] of [
    ['of a newer store', { tables: ['roster_meta'], schema: 4 }, /newer mcp-roster \(schema 4, this version has 3\)/],
    ['of a store without a schema version', { tables: ['roster_meta'], schema: undefined }, /without a schema version/],
    ['of a store with a broken schema version', { tables: ['roster_meta'], schema: Number.NaN }, /without a schema/],
    [
      'of the original mesh registry',
      { tables: ['agents', 'capabilities'], schema: undefined },
      /mcp-roster import URL/,
    ],
    ['of a foreign database', { tables: ['a', 'b', 'c', 'd', 'e', 'f'], schema: undefined }, /\(a, b, c, d, e, …\)/],
  ] as const) {
    it(`${title} are refused with a remedy`, () => {
      assert.throws(() => pendingMigrations(migrations, contents, 'x.db'), { name: 'StoreRefusal', message: reason })
    })
  }
})

describe('the schema version', () => {
  it('is read from the row with the key "schema"', () => {
    const rows = [
      { key: 'epoch', value: 'e' },
      { key: 'schema', value: '2' },
    ]

    assert.equal(schemaVersion(rows, 'key'), 2)
    assert.equal(schemaVersion(rows, 'name'), undefined)
    assert.equal(schemaVersion([], 'key'), undefined)
  })
})
