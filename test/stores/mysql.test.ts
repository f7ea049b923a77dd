import { after, before, describe } from 'node:test'
import { silent } from '../../src/log.ts'
import { Store } from '../../src/stores/config.ts'
import { openMysql } from '../../src/stores/mysql/mysql.ts'
import { bearsAnOutage } from '../contracts/outage.ts'
import { keepsTheStoreContract } from '../contracts/store.ts'
import { mysqlMissing, startMysql } from './databases/mysql.ts'

const skip = mysqlMissing()
let server: Awaited<ReturnType<typeof startMysql>>
before(async () => {
  if (skip === undefined) server = await startMysql()
})
after(() => server?.[Symbol.asyncDispose]())

function open(url: string) {
  const config = Store.parse({ type: 'mysql', url })
  if (config.type !== 'mysql') throw new Error('not reached')
  return openMysql({ config, log: silent })
}

keepsTheStoreContract({
  name: 'mysql',
  make: async () => {
    const url = await server.create()
    return { open: () => open(url), [Symbol.asyncDispose]: async () => {} }
  },
  survives: true,
  shared: true,
  skip,
})

describe('the mysql store in an outage', { skip }, () => {
  let url: string
  before(async () => {
    url = await server.create()
  })

  bearsAnOutage({ open: () => open(url), server: () => server })
})
