import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { describe, it } from 'node:test'
import { createClientAddress } from '../../../../src/api/http/access/client-address.ts'
import { serve } from '../../served-api.ts'

const request = (remoteAddress: string, forwarded?: string) =>
  ({ socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } }) as unknown as IncomingMessage

describe('the address of a client', () => {
  it('is that of its connection, unless a trusted proxy names another', () => {
    const addressOf = createClientAddress(['10.0.0.0/8', '2001:db8::/32'])

    const addresses = [
      request('192.0.2.1', '198.51.100.7'),
      request('10.1.1.1'),
      request('10.1.1.1', '198.51.100.7'),
      request('::ffff:10.1.1.1', ' 203.0.113.9, 198.51.100.7 ,10.2.2.2'),
      request('10.1.1.1', '10.2.2.2'),
      request('10.1.1.1', 'unknown, 198.51.100.7:4711'),
      request('2001:db8::1', '[2001:beef::7]:443'),
    ].map(addressOf)

    assert.deepEqual(addresses, [
      '192.0.2.1',
      '10.1.1.1',
      '198.51.100.7',
      '198.51.100.7',
      '10.2.2.2',
      '198.51.100.7',
      '2001:beef::/64',
    ])
  })

  it('is the network of an IPv6 client, which may use any address of it', () => {
    const addressOf = createClientAddress([])

    assert.equal(addressOf(request('2001:beef:1:2:3:4:5:6')), '2001:beef:1:2::/64')
    assert.equal(addressOf(request('2001:beef:1:2::9')), '2001:beef:1:2::/64')
    assert.equal(addressOf(request('::1')), '::/64')
    assert.equal(addressOf(request('fe80::1%eth0')), 'fe80::/64')
  })

  it('has a rate of its own behind a trusted proxy only', async () => {
    const limits = { max_url_length: 8192, max_parameters: 100, rate: { requests_per_second: 0.01, burst: 1 } }
    const ask = async (trustedProxies: readonly string[]) => {
      await using served = await serve({ guard: { limits, trustedProxies } })
      const statuses: number[] = []
      for (const client of ['192.0.2.1', '192.0.2.2', '192.0.2.2'])
        statuses.push((await served.get('/servers', { headers: { 'x-forwarded-for': client } })).status)
      return statuses
    }

    assert.deepEqual(await ask([]), [200, 429, 429])
    assert.deepEqual(await ask(['127.0.0.1']), [200, 200, 429])
  })
})
