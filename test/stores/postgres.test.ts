import { after, before, describe } from 'node:test'
import { silent } from '../../src/log.ts'
import { Store } from '../../src/stores/config.ts'
import { openPostgres } from '../../src/stores/postgres/postgres.ts'
import { bearsAnOutage } from '../contracts/outage.ts'
import { keepsTheStoreContract } from '../contracts/store.ts'
import { postgresMissing, startPostgres } from './databases/postgres.ts'

const skip = postgresMissing()
let server: Awaited<ReturnType<typeof startPostgres>>
before(async () => {
  if (skip === undefined) server = await startPostgres()
})
after(() => server?.[Symbol.asyncDispose]())

function open(url: string) {
  const config = Store.parse({ type: 'postgres', url })
  if (config.type !== 'postgres') throw new Error('not reached')
  return openPostgres({ config, log: silent })
}

keepsTheStoreContract({
  name: 'postgres',
  make: async () => {
    const url = await server.create()
    return { open: () => open(url), [Symbol.asyncDispose]: async () => {} }
  },
  survives: true,
  shared: true,
  skip,
})

describe('the postgres store in an outage', { skip }, () => {
  let url: string
  before(async () => {
    url = await server.create()
  })

  bearsAnOutage({ open: () => open(url), server: () => server })
})
