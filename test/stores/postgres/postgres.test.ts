import { after, before } from 'node:test'
import { testStoreContract } from '../../contracts/store.ts'
import { holdAt, openAt, postgresMissing, query, startPostgres } from '../databases/postgres.ts'

const skip = postgresMissing()
let server: Awaited<ReturnType<typeof startPostgres>>
before(async () => {
  if (skip === undefined) server = await startPostgres()
})
after(() => server?.[Symbol.asyncDispose]())

const tables = ['roster_meta', 'roster_registrations', 'roster_deletions', 'roster_beats', 'roster_verdicts']

/** Copies the tables into another schema; the result puts them back. */
async function save(url: string) {
  const copies = tables.map((table) => `CREATE TABLE saved.${table} AS TABLE ${table};`)
  await query(url, `CREATE SCHEMA saved; ${copies.join(' ')}`)
  const restored = tables.map((table) => `DELETE FROM ${table}; INSERT INTO ${table} TABLE saved.${table};`)
  return async () => void (await query(url, `BEGIN; ${restored.join(' ')} COMMIT`))
}

testStoreContract({
  name: 'postgres',
  make: async () => {
    const url = await server.create()
    return {
      open: () => openAt(url),
      save: () => save(url),
      hold: (sql) => holdAt(url, sql),
      [Symbol.asyncDispose]: async () => {},
    }
  },
  survives: true,
  shared: true,
  members: { wakeMs: 250 },
  skip,
})
