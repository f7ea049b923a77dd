import { after, before } from 'node:test'
import { testStoreContract } from '../../contracts/store.ts'
import { openAt, postgresMissing, startPostgres } from '../databases/postgres.ts'

const skip = postgresMissing()
let server: Awaited<ReturnType<typeof startPostgres>>
before(async () => {
  if (skip === undefined) server = await startPostgres()
})
after(() => server?.[Symbol.asyncDispose]())

testStoreContract({
  name: 'postgres',
  make: async () => {
    const url = await server.create()
    return { open: () => openAt(url), [Symbol.asyncDispose]: async () => {} }
  },
  survives: true,
  shared: true,
  skip,
})
