import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { openHttpClient } from '../../src/outbound/http-client.ts'
import { isOutboundError, startHttpServer, limits, lookupOf, startTcpServer } from './test-servers.ts'

const client = openHttpClient()
after(async () => client.close())

describe('address policy of a connection pool', () => {
  const loopbacks = [
    '127.0.0.1',
    '0x7f000001',
    '2130706433',
    '017700000001',
    '127.1',
    '0',
    '[::]',
    '[::1]',
    '[::ffff:7f00:1]',
  ]
  const disguises = [
    '[::ffff:127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    'good.example@127.0.0.1',
    'localhost',
    '127.0.0.1.',
    '%31%32%37.0.0.1',
  ]

  it('blocks this host in every notation for entries of other origin', async (t) => {
    let called = 0
    const url = await startHttpServer(t, (_, response) => response.end(String(++called)))
    const { port } = new URL(url)
    for (const host of [...loopbacks, ...disguises]) {
      const exchange = client.request(`http://${host}:${port}/`, { ...limits, reach: 'private' })
      await assert.rejects(exchange, isOutboundError('blocked'), host)
    }
    assert.equal(called, 0)
    assert.equal((await client.request(url, limits)).body.toString(), '1', 'entries of the operator may call it')
  })

  it('blocks metadata and link-local addresses, and names that resolve to them', async () => {
    const byName = openHttpClient({ lookup: lookupOf(['169.254.169.254']) })
    const hosts = [
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '[::ffff:a9fe:a9fe]',
      '[fd00:ec2::254]',
      '[fe80::1]',
      '100.100.100.200',
    ]
    for (const host of hosts)
      await assert.rejects(client.request(`http://${host}/`, limits), isOutboundError('blocked'), host)
    await assert.rejects(byName.request('http://metadata.google.internal/', limits), isOutboundError('blocked'))
    await assert.rejects(byName.connect('metadata.google.internal', 80, limits), isOutboundError('blocked'))
    await byName.close()
  })

  it('connects to the address it checked when the answers of DNS change', async (t) => {
    let called = 0
    const url = await startHttpServer(t, (_, response) => response.end(String(++called)))
    const { port } = new URL(url)
    const answers = [['127.0.0.1'], ['169.254.169.254'], ['127.0.0.1']]
    const rebound = openHttpClient({ lookup: lookupOf(...answers) })
    t.after(async () => rebound.close())
    const request = { ...limits, headers: { connection: 'close' } }

    assert.equal((await rebound.request(`http://flips.example:${port}/`, request)).body.toString(), '1')
    await assert.rejects(rebound.connect('flips.example', Number(port), limits), isOutboundError('blocked'))
    await rebound.connect('flips.example', Number(port), limits)
    await assert.rejects(
      rebound.request(`http://flips.example:${port}/`, { ...limits, reach: 'private' }),
      isOutboundError('blocked'),
      'another policy does not reuse the connection',
    )
    assert.equal(called, 1)
  })

  it('skips the forbidden addresses of a DNS answer', async (t) => {
    const url = await startHttpServer(t, (_, response) => response.end('fine'))
    const mixed = openHttpClient({ lookup: lookupOf(['169.254.169.254', 'fe80::1', '127.0.0.1']) })
    t.after(async () => mixed.close())

    assert.equal((await mixed.request(`http://mixed.example:${new URL(url).port}/`, limits)).body.toString(), 'fine')
  })

  it('restricts to allowed and excludes denied networks', async (t) => {
    const url = await startHttpServer(t, (_, response) => response.end('fine'))

    assert.equal((await client.request(url, { ...limits, allow: ['127.0.0.0/8'] })).status, 200)
    await assert.rejects(client.request(url, { ...limits, allow: ['10.0.0.0/8'] }), isOutboundError('blocked'))
    await assert.rejects(client.request(url, { ...limits, deny: ['127.0.0.1'] }), isOutboundError('blocked'))
    await assert.rejects(
      client.request(url, { ...limits, deny: ['nonsense'] }),
      isOutboundError('blocked', /nonsense is not a network/),
    )
  })

  it('applies to plain TCP connections', async (t) => {
    const port = await startTcpServer(t, () => undefined)

    await client.connect('127.0.0.1', port, limits)
    await assert.rejects(client.connect('127.0.0.1', 1, limits), isOutboundError('refused'))
    await assert.rejects(client.connect('127.0.0.1', port, { ...limits, reach: 'private' }), isOutboundError('blocked'))
    await assert.rejects(
      client.connect('[::ffff:7f00:1]', port, { ...limits, reach: 'private' }),
      isOutboundError('blocked'),
    )
    await assert.rejects(client.connect('fe80::1%eth0', port, limits), isOutboundError('blocked'))
    await assert.rejects(
      client.connect('127.0.0.1', port, { ...limits, signal: AbortSignal.abort() }),
      isOutboundError('timeout'),
    )
  })

  it('does not end the exchanges of evicted pools when more than 64 policies are in use', async (t) => {
    const url = await startHttpServer(t, (_, response) => response.end('ok'))
    const clientOfMany = openHttpClient()
    for (let index = 0; index < 100; index++) {
      assert.equal((await clientOfMany.request(url, { ...limits, deny: [`10.0.0.${index}`] })).status, 200)
    }
    await clientOfMany.close()
  })
})
