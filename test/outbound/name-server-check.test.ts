import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createNameServerCheck } from '../../src/outbound/name-server-check.ts'
import { freePort } from '../programs.ts'
import { address, nxdomain, startNameserver } from '../sources/dns/test-nameserver.ts'

describe('the check of name servers', () => {
  it('passes for any answer, also one that the name does not exist, and fails without one', async () => {
    using server = await startNameserver(({ name }) =>
      name === 'known.test' ? { answers: [address(name, '10.0.0.1')] } : name === 'dead.test' ? 'silence' : nxdomain,
    )
    const isAnswered = createNameServerCheck({ servers: [server.address] })
    const names = ['known.test', 'unknown.test', 'dead.test']

    assert.deepEqual(await Promise.all(names.map(isAnswered)), [true, true, false])
  })

  it('fails where no name server listens', async () => {
    const isAnswered = createNameServerCheck({ servers: [`127.0.0.1:${await freePort()}`] })

    assert.equal(await isAnswered('known.test'), false)
  })
})
