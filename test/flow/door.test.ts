import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Reason } from '../../src/model/health.ts'
import { openHttpClient } from '../../src/outbound/http-client.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'
import { failing, farEnd, limits, tcpEnd } from './far-end.ts'

const door = openHttpClient()
after(async () => door.close())

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

  it('ends at once when it was called off before, though nobody answers where its name leads', async (t) => {
    const nowhere = openHttpClient({ lookup: () => {} })
    t.after(async () => nowhere.close())
    const asked = nowhere.request('http://nowhere.example/', { ...limits, signal: AbortSignal.abort() })

    const began = performance.now()
    await assert.rejects(asked, failing('timeout'))

    assert.ok(performance.now() - began < 2000, `${performance.now() - began} ms`)
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
    const closing = openHttpClient()
    const exchange = assert.rejects(closing.request(url, limits), OutboundError)
    await arrived.promise

    await closing.close()

    await exchange
    await assert.rejects(closing.request(url, limits), failing('refused', /closed/))
    await assert.rejects(closing.connect('127.0.0.1', 1, limits), failing('refused', /closed/))
  })

  it('keeps a bounded number of pools however many policies pass', async (t) => {
    const url = await farEnd(t, (_, response) => response.end('ok'))
    const busy = openHttpClient()
    for (let index = 0; index < 100; index++) {
      assert.equal((await busy.request(url, { ...limits, deny: [`10.0.0.${index}`] })).status, 200)
    }
    await busy.close()
  })
})
