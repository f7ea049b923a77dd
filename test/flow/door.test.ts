import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { after, describe, it, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { DoorError } from '../../src/flow/door-error.ts'
import { type DoorRequest, openDoor } from '../../src/flow/door.ts'
import type { Lookup } from '../../src/flow/pools.ts'
import type { Reason } from '../../src/model/health.ts'

const limits: DoorRequest = { reach: 'any', timeoutMs: 5000, maxBytes: 100_000 }
const door = openDoor()
after(async () => door.close())

/** A far end on loopback; its URL without a path. */
async function farEnd(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function tcpEnd(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createTcpServer((socket) => {
    sockets.add(socket.on('error', () => undefined))
    onSocket(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function failing(reason: Reason, message = /./) {
  return (error: unknown) => {
    assert.ok(error instanceof DoorError, String(error))
    assert.equal(error.reason, reason, error.message)
    assert.match(error.message, message)
    return true
  }
}

const looksUp =
  (...answers: string[][]): Lookup =>
  (_hostname, _options, callback) => {
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? []
    queueMicrotask(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      ),
    )
  }

describe('an exchange', () => {
  it('sends and receives', async (t) => {
    const url = await farEnd(t, (request, response) => {
      response.setHeader('x-seen', `${request.method} ${String(request.headers['x-mine'])}`)
      request.pipe(response)
    })

    const answer = await door.request(`${url}/a?b=c`, {
      ...limits,
      method: 'POST',
      headers: { 'X-Mine': 'yes' },
      body: 'hello',
    })

    assert.equal(answer.status, 200)
    assert.equal(answer.headers['x-seen'], 'POST yes')
    assert.equal(answer.body.toString(), 'hello')
    assert.equal(answer.url, `${url}/a?b=c`)
  })

  it('takes what is gzipped apart, and refuses other encodings', async (t) => {
    const url = await farEnd(t, (request, response) => {
      assert.equal(request.headers['accept-encoding'], 'gzip')
      response.setHeader('content-encoding', request.url === '/gzip' ? 'gzip' : (request.url ?? '').slice(1))
      response.end(gzipSync('hello'))
    })

    assert.equal((await door.request(`${url}/gzip`, limits)).body.toString(), 'hello')
    for (const encoding of ['br', 'deflate', 'gzip,gzip', 'zstd']) {
      await assert.rejects(door.request(`${url}/${encoding}`, limits), failing('protocol', /encoding/), encoding)
    }
  })

  it('cuts off what is too large: announced, endless, or unpacked', async (t) => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    let sent = 0
    const url = await farEnd(t, (request, response) => {
      if (request.url === '/announced') return response.writeHead(200, { 'content-length': 10 ** 12 }).write('x')
      if (request.url === '/bomb') return response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb)
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) sent++
      }
      response.on('drain', pour)
      return pour()
    })

    for (const path of ['announced', 'endless', 'bomb']) {
      await assert.rejects(
        door.request(`${url}/${path}`, limits),
        failing('protocol', /larger than 100000 bytes/),
        path,
      )
    }
    assert.ok(sent * 65_536 < 50_000_000, 'the endless answer was cut early')
  })

  it('holds one deadline over silence and over a body that drips', async (t) => {
    const url = await farEnd(t, (request, response) => {
      if (request.url === '/silent') return
      const drip = setInterval(() => response.write('.'), 10)
      response.on('close', () => clearInterval(drip))
    })

    for (const path of ['silent', 'drip']) {
      await assert.rejects(door.request(`${url}/${path}`, { ...limits, timeoutMs: 150 }), failing('timeout'), path)
    }
  })

  it('ends when called off', async (t) => {
    const url = await farEnd(t, () => undefined)
    const off = new AbortController()
    const exchange = door.request(url, { ...limits, signal: off.signal })
    off.abort()

    await assert.rejects(exchange, failing('timeout'))
    await assert.rejects(door.request(url, { ...limits, signal: AbortSignal.abort() }), failing('timeout'))
  })

  it('says why it failed, and nothing of the answer, a header or the secrets of a URL', async (t) => {
    const garbage = await tcpEnd(t, (socket) => socket.end('SECRET garbage\r\n\r\n'))
    const plain = await farEnd(t, (_, response) => response.end())
    const cases: [url: string, reason: Reason][] = [
      ['http://127.0.0.1:1/?token=SECRET', 'refused'],
      ['http://user:SECRET@no-such-host.invalid/', 'dns'],
      [`https://127.0.0.1:${new URL(plain).port}/?SECRET`, 'tls'],
      [`http://127.0.0.1:${garbage}/SECRET`, 'protocol'],
      ['http://169.254.169.254/SECRET', 'blocked'],
      ['ftp://127.0.0.1/SECRET', 'protocol'],
      ['SECRET', 'protocol'],
    ]
    for (const [url, reason] of cases) {
      await assert.rejects(door.request(url, { ...limits, headers: { authorization: 'SECRET' } }), (error) => {
        failing(reason)(error)
        assert.doesNotMatch(`${(error as Error).stack} ${String((error as Error).cause)}`, /SECRET/)
        return true
      })
    }
  })

  it('refuses headers that would smuggle a line, and does not repeat them', async (t) => {
    const url = await farEnd(t, (_, response) => response.end())
    const bad: Record<string, string>[] = [
      { a: 'b\r\nx: SECRET' },
      { a: 'b\nSECRET' },
      { 'a\r\nb': 'SECRET' },
      { 'a b': 'c' },
      { a: '\0' },
    ]
    for (const headers of bad) {
      await assert.rejects(door.request(url, { ...limits, headers }), (error) => {
        failing('blocked')(error)
        assert.doesNotMatch((error as Error).message, /SECRET/)
        return true
      })
    }
  })

  it('leaves what is for HTTP itself to HTTP', async (t) => {
    const url = await farEnd(t, (request, response) => response.end(JSON.stringify(request.headers)))
    const headers = { Host: 'evil.example', 'Content-Length': '99', Connection: 'upgrade', 'Accept-Encoding': 'br' }

    const seen = JSON.parse((await door.request(url, { ...limits, headers })).body.toString()) as Record<string, string>

    assert.equal(seen['host'], new URL(url).host)
    assert.equal(seen['accept-encoding'], 'gzip')
    assert.notEqual(seen['connection'], 'upgrade')
  })

  it('sends the user and password of a URL as a header', async (t) => {
    const url = await farEnd(t, (request, response) => response.end(request.headers.authorization))

    const { body } = await door.request(url.replace('://', '://me:p%40ss@'), limits)

    assert.equal(body.toString(), `Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  })

  it('tries once more when a connection kept from before is closed under it, but only to read', async (t) => {
    let connections = 0
    const port = await tcpEnd(t, (socket) => {
      connections++
      let requests = 0
      socket.on('data', () => {
        if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
        else socket.resetAndDestroy()
      })
    })
    const url = `http://127.0.0.1:${port}/`

    await door.request(url, limits)
    assert.equal((await door.request(url, limits)).body.toString(), 'ok')
    assert.equal(connections, 2)
    await assert.rejects(door.request(url, { ...limits, method: 'POST', body: 'x' }), failing('refused'))
    assert.equal(connections, 2)
  })

  it('does not try again what broke on a new connection', async (t) => {
    let connections = 0
    const port = await tcpEnd(t, (socket) => {
      connections++
      socket.on('data', () => socket.resetAndDestroy())
    })

    await assert.rejects(door.request(`http://127.0.0.1:${port}/`, limits), failing('refused'))
    assert.equal(connections, 1)
  })
})

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
    const byName = openDoor({ lookup: looksUp(['169.254.169.254']) })
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
    const rebound = openDoor({ lookup: looksUp(...answers) })
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
    const mixed = openDoor({ lookup: looksUp(['169.254.169.254', 'fe80::1', '127.0.0.1']) })
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

describe('a stream', () => {
  it('comes as it is sent, and is let go of at any time', async (t) => {
    const closed = Promise.withResolvers<void>()
    const url = await farEnd(t, (request, response) => {
      assert.equal(request.headers['accept-encoding'], 'identity')
      response.write('one')
      response.on('close', closed.resolve)
    })

    const stream = await door.stream(url, { ...limits, idleMs: 5000 })
    for await (const chunk of stream.body) {
      assert.equal(chunk.toString(), 'one')
      break
    }

    assert.equal(stream.status, 200)
    await closed.promise
  })

  it('lasts while something comes, and ends in silence', async (t) => {
    const url = await farEnd(t, (_, response) => {
      let beats = 0
      const beat = setInterval(() => (++beats <= 8 ? response.write('.') : clearInterval(beat)), 40)
      response.on('close', () => clearInterval(beat))
    })
    const stream = await door.stream(url, { ...limits, timeoutMs: 150, idleMs: 150 })
    let got = 0

    await assert.rejects(async () => {
      for await (const chunk of stream.body) got += chunk.length
    }, failing('timeout'))

    assert.equal(got, 8)
  })

  it('is cut when nobody reads it for too long', async (t) => {
    const closed = Promise.withResolvers<void>()
    const url = await farEnd(t, (_, response) => {
      response.write('x')
      response.on('close', closed.resolve)
    })

    await door.stream(url, { ...limits, idleMs: 50 })

    await closed.promise
  })

  it('waits for its head no longer than it may', async (t) => {
    const url = await farEnd(t, () => undefined)

    await assert.rejects(door.stream(url, { ...limits, timeoutMs: 100, idleMs: 60_000 }), failing('timeout'))
  })
})

describe('a closed door', () => {
  it('ends what is under way and lets nothing more out', async (t) => {
    const arrived = Promise.withResolvers<void>()
    const url = await farEnd(t, () => arrived.resolve())
    const closing = openDoor()
    const exchange = assert.rejects(closing.request(url, limits), DoorError)
    await arrived.promise

    await closing.close()

    await exchange
    await assert.rejects(closing.request(url, limits), failing('refused', /closed/))
    await assert.rejects(closing.connect('127.0.0.1', 1, limits), failing('refused', /closed/))
  })

  it('keeps a bounded number of pools however many policies pass', async (t) => {
    const url = await farEnd(t, (_, response) => response.end('ok'))
    const busy = openDoor()
    for (let index = 0; index < 100; index++) {
      assert.equal((await busy.request(url, { ...limits, deny: [`10.0.0.${index}`] })).status, 200)
    }
    await busy.close()
  })
})
