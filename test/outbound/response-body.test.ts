import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { openHttpClient } from '../../src/outbound/http-client.ts'
import { isOutboundError, startHttpServer, startTcpServer } from './test-servers.ts'

const client = openHttpClient()
after(async () => client.close())

const request = { reach: 'any', timeoutMs: 5000, maxBytes: 4096, drainMs: 50 } as const

describe('status request', () => {
  it('returns the status and leaves a reusable connection', async (t) => {
    const ports = new Set<number | undefined>()
    const url = await startHttpServer(t, (request, response) => {
      ports.add(request.socket.remotePort)
      response.writeHead(request.url === '/gone' ? 410 : 200)
      response.end('short')
    })

    for (let index = 0; index < 5; index += 1) assert.equal(await client.requestStatus(url, request), 200)
    assert.equal(await client.requestStatus(`${url}/gone`, request), 410)

    assert.ok(ports.size <= 2, `${ports.size} connections for six requests`)
  })

  it('drops a body that is long or slow', async (t) => {
    const closed: Promise<void>[] = []
    const url = await startHttpServer(t, (request, response) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      closed.push(promise)
      response.on('close', resolve)
      response.write(request.url === '/long' ? Buffer.alloc(1_000_000) : 'slow')
    })

    assert.equal(await client.requestStatus(`${url}/long`, request), 200)
    assert.equal(await client.requestStatus(`${url}/slow`, request), 200)
    await Promise.all(closed)
    assert.equal(closed.length, 2)
  })

  it('follows no redirect', async (t) => {
    const url = await startHttpServer(t, (_, response) => {
      response.writeHead(302, { location: 'http://169.254.169.254/' })
      response.end()
    })

    assert.equal(await client.requestStatus(url, request), 302)
    await assert.rejects(client.requestStatus(url, { ...request, reach: 'private' }), { reason: 'blocked' })
  })
})

describe('the body of a response', () => {
  it('in chunks of one byte is rejected long before its limit', async (t) => {
    let sent = 0
    const port = await startTcpServer(t, (socket) => {
      const piece = '1\r\n \r\n'.repeat(10_000)
      const send = () => {
        while (socket.writable && socket.write(piece)) sent += 10_000
      }
      socket.on('drain', send)
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
        send()
      })
    })

    await assert.rejects(
      client.request(`http://127.0.0.1:${port}/`, { reach: 'any', timeoutMs: 20_000, maxBytes: 16_000_000 }),
      isOutboundError('protocol', /too many small chunks/),
    )
    assert.ok(sent < 8_000_000, `${sent} chunks were read`)
  })

  it('is read whole in whatever chunks it comes', async (t) => {
    const piece = 'x'.repeat(100)
    const url = await startHttpServer(t, (_request, response) => {
      for (let count = 0; count < 10_000; count += 1) response.write(piece)
      response.end('end')
    })

    const { body } = await client.request(url, { reach: 'any', timeoutMs: 20_000, maxBytes: 2_000_000 })

    assert.equal(body.toString(), `${piece.repeat(10_000)}end`)
  })
})
