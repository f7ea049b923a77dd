import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { after, describe, it } from 'node:test'
import { openHttpClient } from '../../src/outbound/http-client.ts'
import { failing, farEnd, limits, looksUp, tcpEnd } from './far-end.ts'

const door = openHttpClient()
after(async () => door.close())

describe('where the door leads', () => {
  const selves = [
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

  it('never leads what came from elsewhere to this host, however it is spelled', async (t) => {
    let called = 0
    const url = await farEnd(t, (_, response) => response.end(String(++called)))
    const { port } = new URL(url)
    for (const host of [...selves, ...disguises]) {
      const exchange = door.request(`http://${host}:${port}/`, { ...limits, reach: 'private' })
      await assert.rejects(exchange, failing('blocked'), host)
    }
    assert.equal(called, 0)
    assert.equal((await door.request(url, limits)).body.toString(), '1', 'the operator may')
  })

  it('leads nobody to metadata or link-local addresses, nor to a name that stands for them', async () => {
    const byName = openHttpClient({ lookup: looksUp(['169.254.169.254']) })
    const hosts = [
      '169.254.169.254',
      '2852039166',
      '0xa9fea9fe',
      '[::ffff:a9fe:a9fe]',
      '[fd00:ec2::254]',
      '[fe80::1]',
      '100.100.100.200',
    ]
    for (const host of hosts) await assert.rejects(door.request(`http://${host}/`, limits), failing('blocked'), host)
    await assert.rejects(byName.request('http://metadata.google.internal/', limits), failing('blocked'))
    await assert.rejects(byName.connect('metadata.google.internal', 80, limits), failing('blocked'))
    await byName.close()
  })

  it('connects to the very address it checked, when a name changes its mind', async (t) => {
    let called = 0
    const url = await farEnd(t, (_, response) => response.end(String(++called)))
    const { port } = new URL(url)
    const answers = [['127.0.0.1'], ['169.254.169.254'], ['127.0.0.1']]
    const rebound = openHttpClient({ lookup: looksUp(...answers) })
    t.after(async () => rebound.close())
    const request = { ...limits, headers: { connection: 'close' } }

    assert.equal((await rebound.request(`http://flips.example:${port}/`, request)).body.toString(), '1')
    await assert.rejects(rebound.connect('flips.example', Number(port), limits), failing('blocked'))
    await rebound.connect('flips.example', Number(port), limits)
    await assert.rejects(
      rebound.request(`http://flips.example:${port}/`, { ...limits, reach: 'private' }),
      failing('blocked'),
      'a connection made for the operator is not lent to others',
    )
    assert.equal(called, 1)
  })

  it('uses of an answer only the addresses that may be called', async (t) => {
    const url = await farEnd(t, (_, response) => response.end('fine'))
    const mixed = openHttpClient({ lookup: looksUp(['169.254.169.254', 'fe80::1', '127.0.0.1']) })
    t.after(async () => mixed.close())

    assert.equal((await mixed.request(`http://mixed.example:${new URL(url).port}/`, limits)).body.toString(), 'fine')
  })

  it('keeps to allowed networks and out of denied ones', async (t) => {
    const url = await farEnd(t, (_, response) => response.end('fine'))

    assert.equal((await door.request(url, { ...limits, allow: ['127.0.0.0/8'] })).status, 200)
    await assert.rejects(door.request(url, { ...limits, allow: ['10.0.0.0/8'] }), failing('blocked'))
    await assert.rejects(door.request(url, { ...limits, deny: ['127.0.0.1'] }), failing('blocked'))
    await assert.rejects(
      door.request(url, { ...limits, deny: ['nonsense'] }),
      failing('blocked', /nonsense is no network/),
    )
  })

  it('knocks at a port, and no further', async (t) => {
    const port = await tcpEnd(t, () => undefined)

    await door.connect('127.0.0.1', port, limits)
    await assert.rejects(door.connect('127.0.0.1', 1, limits), failing('refused'))
    await assert.rejects(door.connect('127.0.0.1', port, { ...limits, reach: 'private' }), failing('blocked'))
    await assert.rejects(door.connect('[::ffff:7f00:1]', port, { ...limits, reach: 'private' }), failing('blocked'))
    await assert.rejects(door.connect('fe80::1%eth0', port, limits), failing('blocked'))
    await assert.rejects(
      door.connect('127.0.0.1', port, { ...limits, signal: AbortSignal.abort() }),
      failing('timeout'),
    )
  })
})

describe('a redirect', () => {
  const redirecting =
    (to: string, status = 302) =>
    (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === '/end')
        return void response.end(JSON.stringify({ method: request.method, headers: request.headers }))
      return void response.writeHead(status, { location: to }).end('not read')
    }
  const seen = (body: Buffer) => JSON.parse(body.toString()) as { method: string; headers: Record<string, string> }

  it('is the answer, unless the caller follows', async (t) => {
    const url = await farEnd(t, redirecting('/end'))

    assert.equal((await door.request(url, limits)).status, 302)
    const followed = await door.request(url, { ...limits, maxRedirects: 1, headers: { authorization: 'mine' } })
    assert.equal(followed.url, `${url}/end`)
    assert.equal(seen(followed.body).headers['authorization'], 'mine')
  })

  it('takes no credentials and no headers of the caller to another origin', async (t) => {
    const other = await farEnd(t, redirecting('/end'))
    const url = await farEnd(t, redirecting(`${other.replace('://', '://u:p@')}/end`))
    const headers = { authorization: 'mine', cookie: 'mine', 'x-api-key': 'mine', accept: 'application/json' }

    const { body } = await door.request(url, { ...limits, maxRedirects: 1, headers })

    assert.equal(seen(body).headers['accept'], 'application/json')
    assert.doesNotMatch(body.toString(), /mine|authorization/)
  })

  it('is checked like the first address', async (t) => {
    for (const to of [
      'http://169.254.169.254/',
      'file:///etc/passwd',
      'ftp://127.0.0.1/',
      '//[fd00:ec2::254]/',
      'http://',
    ]) {
      const url = await farEnd(t, redirecting(to))
      await assert.rejects(door.request(url, { ...limits, maxRedirects: 3 }), failing('blocked'), to)
    }
  })

  it('ends after as many as were allowed', async (t) => {
    let asked = 0
    const url = await farEnd(t, (_, response) => response.writeHead(302, { location: `/${++asked}` }).end())

    await assert.rejects(door.request(url, { ...limits, maxRedirects: 3 }), failing('blocked', /too often/))
    assert.equal(asked, 4)
  })

  it('turns a post into a read, or hands it on inside the origin only', async (t) => {
    const post = { ...limits, method: 'POST', body: 'x', maxRedirects: 1, headers: { 'content-type': 'a/b' } } as const
    const [other, turned, kept] = [
      await farEnd(t, redirecting('/end')),
      await farEnd(t, redirecting('/end', 303)),
      await farEnd(t, redirecting('/end', 307)),
    ]
    const away = await farEnd(t, redirecting(`${other}/end`, 308))

    const read = seen((await door.request(turned, post)).body)
    assert.equal(read.method, 'GET')
    assert.equal(read.headers['content-type'], undefined)
    assert.equal(seen((await door.request(kept, post)).body).method, 'POST')
    await assert.rejects(door.request(away, post), failing('blocked'))
  })
})
