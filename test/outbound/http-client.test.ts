import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Reason } from '../../src/model/health.ts'
import { openHttpClient } from '../../src/outbound/http-client.ts'
import { OutboundError } from '../../src/outbound/outbound-error.ts'
import { isOutboundError, startHttpServer, limits, startTcpServer } from './test-servers.ts'

const client = openHttpClient()
after(async () => client.close())

describe('exchange of the outbound HTTP client', () => {
  it('sends method, headers and body, and returns status, headers, body and URL', async (t) => {
    const url = await startHttpServer(t, (request, response) => {
      response.setHeader('x-seen', `${request.method} ${String(request.headers['x-mine'])}`)
      request.pipe(response)
    })

    const response = await client.request(`${url}/a?b=c`, {
      ...limits,
      method: 'POST',
      headers: { 'X-Mine': 'yes' },
      body: 'hello',
    })

    assert.equal(response.status, 200)
    assert.equal(response.headers['x-seen'], 'POST yes')
    assert.equal(response.body.toString(), 'hello')
    assert.equal(response.url, `${url}/a?b=c`)
  })

  it('decodes gzip and rejects other encodings', async (t) => {
    const url = await startHttpServer(t, (request, response) => {
      assert.equal(request.headers['accept-encoding'], 'gzip')
      response.setHeader('content-encoding', request.url === '/gzip' ? 'gzip' : (request.url ?? '').slice(1))
      response.end(gzipSync('hello'))
    })

    assert.equal((await client.request(`${url}/gzip`, limits)).body.toString(), 'hello')
    for (const encoding of ['br', 'deflate', 'gzip,gzip', 'zstd']) {
      await assert.rejects(
        client.request(`${url}/${encoding}`, limits),
        isOutboundError('protocol', /encoding/),
        encoding,
      )
    }
  })

  it('aborts a body above the limit: announced, endless, or once decoded', async (t) => {
    const bomb = gzipSync(Buffer.alloc(50_000_000))
    let sent = 0
    const url = await startHttpServer(t, (request, response) => {
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
        client.request(`${url}/${path}`, limits),
        isOutboundError('protocol', /larger than 100000 bytes/),
        path,
      )
    }
    assert.ok(sent * 65_536 < 50_000_000, 'the endless response was aborted early')
  })

  it('applies one deadline to a silent server and to a body that drips', async (t) => {
    const url = await startHttpServer(t, (request, response) => {
      if (request.url === '/silent') return
      const drip = setInterval(() => response.write('.'), 10)
      response.on('close', () => clearInterval(drip))
    })

    for (const path of ['silent', 'drip']) {
      await assert.rejects(
        client.request(`${url}/${path}`, { ...limits, timeoutMs: 150 }),
        isOutboundError('timeout'),
        path,
      )
    }
  })

  it('ends when its signal aborts', async (t) => {
    const url = await startHttpServer(t, () => undefined)
    const controller = new AbortController()
    const exchange = client.request(url, { ...limits, signal: controller.signal })
    controller.abort()

    await assert.rejects(exchange, isOutboundError('timeout'))
    await assert.rejects(client.request(url, { ...limits, signal: AbortSignal.abort() }), isOutboundError('timeout'))
  })

  it('ends at once when its signal has already aborted, even if DNS does not respond', async (t) => {
    const unresolved = openHttpClient({ lookup: () => {} })
    t.after(async () => unresolved.close())
    const exchange = unresolved.request('http://nowhere.example/', { ...limits, signal: AbortSignal.abort() })

    const start = performance.now()
    await assert.rejects(exchange, isOutboundError('timeout'))

    assert.ok(performance.now() - start < 2000, `${performance.now() - start} ms`)
  })

  it('reports the reason of a failure, and omits the response, headers and secrets of the URL', async (t) => {
    const garbage = await startTcpServer(t, (socket) => socket.end('SECRET garbage\r\n\r\n'))
    const plain = await startHttpServer(t, (_, response) => response.end())
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
      await assert.rejects(client.request(url, { ...limits, headers: { authorization: 'SECRET' } }), (error) => {
        isOutboundError(reason)(error)
        assert.doesNotMatch(`${(error as Error).stack} ${String((error as Error).cause)}`, /SECRET/)
        return true
      })
    }
  })

  it('rejects headers that would inject a line, and does not repeat them', async (t) => {
    const url = await startHttpServer(t, (_, response) => response.end())
    const invalid: Record<string, string>[] = [
      { a: 'b\r\nx: SECRET' },
      { a: 'b\nSECRET' },
      { 'a\r\nb': 'SECRET' },
      { 'a b': 'c' },
      { a: '\0' },
    ]
    for (const headers of invalid) {
      await assert.rejects(client.request(url, { ...limits, headers }), (error) => {
        isOutboundError('blocked')(error)
        assert.doesNotMatch((error as Error).message, /SECRET/)
        return true
      })
    }
  })

  it('ignores headers that only the HTTP client may set', async (t) => {
    const url = await startHttpServer(t, (request, response) => response.end(JSON.stringify(request.headers)))
    const headers = { Host: 'evil.example', 'Content-Length': '99', Connection: 'upgrade', 'Accept-Encoding': 'br' }

    const received = JSON.parse((await client.request(url, { ...limits, headers })).body.toString()) as Record<
      string,
      string
    >

    assert.equal(received['host'], new URL(url).host)
    assert.equal(received['accept-encoding'], 'gzip')
    assert.notEqual(received['connection'], 'upgrade')
  })

  it('sends user and password of a URL as a Basic authorization header', async (t) => {
    const url = await startHttpServer(t, (request, response) => response.end(request.headers.authorization))

    const { body } = await client.request(url.replace('://', '://me:p%40ss@'), limits)

    assert.equal(body.toString(), `Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  })

  it('retries a GET once when the server closes a reused connection, but no POST', async (t) => {
    let connections = 0
    const port = await startTcpServer(t, (socket) => {
      connections++
      let requests = 0
      socket.on('data', () => {
        if (++requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
        else socket.resetAndDestroy()
      })
    })
    const url = `http://127.0.0.1:${port}/`

    await client.request(url, limits)
    assert.equal((await client.request(url, limits)).body.toString(), 'ok')
    assert.equal(connections, 2)
    await assert.rejects(client.request(url, { ...limits, method: 'POST', body: 'x' }), isOutboundError('refused'))
    assert.equal(connections, 2)
  })

  it('does not retry a failure on a new connection', async (t) => {
    let connections = 0
    const port = await startTcpServer(t, (socket) => {
      connections++
      socket.on('data', () => socket.resetAndDestroy())
    })

    await assert.rejects(client.request(`http://127.0.0.1:${port}/`, limits), isOutboundError('refused'))
    assert.equal(connections, 1)
  })

  it('includes the DNS lookup in its deadline', async () => {
    const stalled = openHttpClient({ lookup: () => undefined })
    const start = performance.now()

    await assert.rejects(
      stalled.request('http://never.example/', { ...limits, timeoutMs: 100 }),
      isOutboundError('timeout'),
    )

    assert.ok(performance.now() - start < 5000)
    await stalled.close()
  })
})

describe('stream of the outbound HTTP client', () => {
  it('yields chunks as they arrive, and can be closed at any time', async (t) => {
    const closed = Promise.withResolvers<void>()
    const url = await startHttpServer(t, (request, response) => {
      assert.equal(request.headers['accept-encoding'], 'identity')
      response.write('one')
      response.on('close', closed.resolve)
    })

    const stream = await client.stream(url, { ...limits, idleMs: 5000 })
    for await (const chunk of stream.body) {
      assert.equal(chunk.toString(), 'one')
      break
    }

    assert.equal(stream.status, 200)
    await closed.promise
  })

  it('lasts while chunks arrive, and fails after the maximum silence', async (t) => {
    const url = await startHttpServer(t, (_, response) => {
      let chunks = 0
      const timer = setInterval(() => (++chunks <= 8 ? response.write('.') : clearInterval(timer)), 40)
      response.on('close', () => clearInterval(timer))
    })
    const stream = await client.stream(url, { ...limits, timeoutMs: 150, idleMs: 150 })
    let received = 0

    await assert.rejects(async () => {
      for await (const chunk of stream.body) received += chunk.length
    }, isOutboundError('timeout'))

    assert.equal(received, 8)
  })

  it('is aborted when its reader stalls', async (t) => {
    const closed = Promise.withResolvers<void>()
    const url = await startHttpServer(t, (_, response) => {
      response.write('x')
      response.on('close', closed.resolve)
    })

    await client.stream(url, { ...limits, idleMs: 50 })

    await closed.promise
  })

  it('fails if its head exceeds the deadline', async (t) => {
    const url = await startHttpServer(t, () => undefined)

    await assert.rejects(client.stream(url, { ...limits, timeoutMs: 100, idleMs: 60_000 }), isOutboundError('timeout'))
  })
})

describe('closed outbound HTTP client', () => {
  it('aborts exchanges in flight and rejects new ones', async (t) => {
    const arrived = Promise.withResolvers<void>()
    const url = await startHttpServer(t, () => arrived.resolve())
    const closing = openHttpClient()
    const exchange = assert.rejects(closing.request(url, limits), OutboundError)
    await arrived.promise

    await closing.close()

    await exchange
    await assert.rejects(closing.request(url, limits), isOutboundError('refused', /closed/))
    await assert.rejects(closing.connect('127.0.0.1', 1, limits), isOutboundError('refused', /closed/))
  })
})
