import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import { startTcpServer } from '../../outbound/test-servers.ts'
import { raw } from '../served-api.ts'
import { answering, as, callable, codeOf } from './test-calls.ts'

/** An agent that sends bytes as they are, and closes the connection unless it goes on. */
async function sending(t: TestContext, bytes: string, { goesOn = false } = {}) {
  const mesh = await callable(t, { calls: { max_response_bytes: 100_000, timeout: 20 } })
  const port = await startTcpServer(t, (socket) =>
    socket.once('data', () => (goesOn ? socket.write(bytes, 'latin1') : socket.end(bytes, 'latin1'))),
  )
  const target = `127.0.0.1:${port}`
  await mesh.register(`http://${target}`)
  return { mesh, call: (headers = {}) => mesh.call(`${target}/mcp`, { headers }) }
}

describe('the response to a call', () => {
  it('is a problem for an agent that cannot be reached or answers no HTTP', async (t) => {
    for (const bytes of [
      '',
      'hello',
      'HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 20\r\n\r\n',
      'HTTP/1.1 200 OK\r\nMcp-Session-Id: a\x00b\r\n\r\n',
      'HTTP/1.1 200 OK\r\nMcp-Session-Id: a\x01b\r\nContent-Length: 0\r\n\r\n',
      `HTTP/1.1 200 OK\r\nMcp-Session-Id: ${'a'.repeat(50_000)}\r\n\r\n`,
      'HTTP/1.1 999 Strange\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n',
    ]) {
      const { call } = await sending(t, bytes)
      assert.equal(await codeOf(await call()), '502 call_failed', bytes.slice(0, 60))
    }
    const mesh = await callable(t)
    await mesh.register('http://127.0.0.1:1')
    const refused = await mesh.call('127.0.0.1:1/mcp')
    const { detail } = (await refused.json()) as { detail: string }
    assert.match(detail, /connection refused/)
  })

  it('is no response that needs decoding', async (t) => {
    const mesh = await callable(t)
    const target = await mesh.agent((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('0'.repeat(1_000_000))),
    )

    assert.equal(await codeOf(await mesh.call(`${target}/mcp`)), '502 call_failed')
  })

  it('is a problem where it announces too many bytes', async (t) => {
    const { call, mesh } = await sending(t, 'HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\nbegin', { goesOn: true })

    assert.equal(await codeOf(await call()), '502 call_response_too_large')
    assert.equal(mesh.audit()[0]?.['message'], 'call failed')
  })

  it('is cut at the limit of bytes, so that no caller takes it for whole', async (t) => {
    const mesh = await callable(t, { calls: { max_response_bytes: 100_000 } })
    let sent = 0
    for (const [id, type] of Object.entries({ json: 'application/json', events: 'text/event-stream' })) {
      const target = await mesh.agent(
        (_request, response) => {
          response.writeHead(200, { 'content-type': type })
          const send = () => {
            while (!response.destroyed && response.write('x'.repeat(10_000))) sent += 10_000
          }
          response.on('drain', send)
          send()
        },
        { id },
      )
      const response = await mesh.call(`${target}/mcp`)
      await assert.rejects(response.text())
    }
    assert.deepEqual(
      mesh.audit().map(({ end, status }) => [end, status]),
      [
        ['too_large', 200],
        ['too_large', 200],
      ],
    )
    assert.ok(sent > 100_000)
  })

  it('is a problem after the time of the call, and the agent is told', async (t) => {
    const mesh = await callable(t, { calls: { timeout: 0.3 } })
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    const target = await mesh.agent((request) => request.on('close', resolve))

    const response = await mesh.call(`${target}/mcp`)

    assert.equal(await codeOf(response), '504 call_timeout')
    await aborted
  })

  it('is a problem after the time of the call where its head arrives byte by byte', async (t) => {
    const mesh = await callable(t, { calls: { timeout: 0.3 } })
    const port = await startTcpServer(t, (socket) => {
      const timer = setInterval(() => socket.write('a'), 20)
      socket.write('HTTP/1.1 200 OK\r\nX-Slow: ')
      socket.on('close', () => clearInterval(timer))
    })
    await mesh.register(`http://127.0.0.1:${port}`)

    assert.equal(await codeOf(await mesh.call(`127.0.0.1:${port}/mcp`)), '504 call_timeout')
  })

  it('is an event stream that ends after its time with the comment of the mesh', async (t) => {
    const mesh = await callable(t, { calls: { max_timeout: 1.5 } })
    const target = await mesh.agent((_request, response) =>
      response.writeHead(200, { 'content-type': 'Text/Event-Stream; charset=utf-8' }).write('data: {"half":'),
    )

    const response = await mesh.call(`${target}/mcp`, { headers: { 'x-mesh-timeout': '600' } })

    assert.equal(await response.text(), 'data: {"half":\n: mesh-proxy-timeout budget=1.5s\n\n')
    assert.equal(mesh.audit()[0]?.['end'], 'timeout')
  })

  it('is cut after its time where it is no event stream', async (t) => {
    const mesh = await callable(t, { calls: { timeout: 0.3 } })
    const target = await mesh.agent((_request, response) => response.writeHead(200).write('{"half":'))

    const asked = ['', '0', '-5', '1e9', 'soon', '600, 600']
    const calls = asked.map(async (seconds) => {
      const response = await mesh.call(`${target}/mcp`, { headers: { 'x-mesh-timeout': seconds } })
      if (response.ok) await assert.rejects(response.text(), seconds)
    })
    await Promise.all(calls)
    const ends = mesh.audit().map(({ end }) => String(end).replace('call_', ''))
    assert.deepEqual(
      ends,
      asked.map(() => 'timeout'),
    )
  })

  it('is cut where the agent breaks off', async (t) => {
    for (const bytes of [
      'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"half":\r\n',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    ]) {
      const { call, mesh } = await sending(t, bytes)
      await assert.rejects(async () => {
        const response = await call()
        if (!response.ok) throw new Error(await codeOf(response))
        await response.text()
      })
      assert.match(String(mesh.audit()[0]?.['end']), /broken|call_failed/)
    }
  })

  it('is cut by a reset for a caller without chunked encoding, which sees no other sign', async (t) => {
    const { mesh } = await sending(t, 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"half":')
    const target = String((await mesh.get('/agents')).body['agents'][0].endpoint).replace('http://', '')
    const socket = connect({ port: mesh.served.port, host: '127.0.0.1' })
    socket.resume()
    socket.write(
      `POST /proxy/${target}/mcp HTTP/1.0\r\nContent-Type: application/json\r\nAuthorization: ${as('ops').authorization}\r\nContent-Length: 2\r\n\r\n{}`,
    )

    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]

    assert.equal(error.code, 'ECONNRESET')
  })

  it('smuggles nothing into the connection of the caller', async (t) => {
    const smuggled = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nX-Evil: 1\r\n\r\n'
    const { mesh } = await sending(t, smuggled)
    const { port } = mesh.served
    const target = String((await mesh.get('/agents')).body['agents'][0].endpoint).replace('http://', '')

    const answer = await raw(
      port,
      `POST /proxy/${target}/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: ${as('ops').authorization}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    )

    assert.doesNotMatch(answer, /evil/i)
    assert.equal(answer.match(/HTTP\/1\.1/g)?.length, 1)
  })

  it('waits for a caller that reads slowly, and holds little of it meanwhile', async (t) => {
    const mesh = await callable(t, { calls: { timeout: 60 } })
    let sent = 0
    const stalled = Promise.withResolvers<void>()
    const total = 8_000_000
    const target = await mesh.agent((_request, response) => {
      response.writeHead(200)
      const send = () => {
        let isFlowing = true
        while (sent < total && isFlowing) {
          sent += 16_000
          isFlowing = response.write(Buffer.alloc(16_000, 'x'))
        }
        if (isFlowing) response.end()
        else if (sent > 200_000) stalled.resolve()
      }
      response.on('drain', send)
      send()
    })
    const socket = connect({ port: mesh.served.port, host: '127.0.0.1' })
    socket.pause()
    socket.write(
      `POST /proxy/${target}/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: ${as('ops').authorization}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
    )
    await stalled.promise
    let bytes = 0
    socket.on('data', (chunk: Buffer) => (bytes += chunk.length))
    socket.resume()
    await once(socket, 'close')

    assert.ok(bytes > total, String(bytes))
    assert.equal(mesh.audit()[0]?.['response_bytes'], total)
  })

  it('frees the place of a caller that stops reading, after the time of the call', async (t) => {
    const mesh = await callable(t, { calls: { timeout: 0.3, max_concurrent: 1, max_response_bytes: 1_000_000_000 } })
    const target = await mesh.agent((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const send = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64_000, 'x')));
      }
      response.on('drain', send)
      send()
    })
    const socket = connect({ port: mesh.served.port, host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.pause()
    socket.write(
      `POST /proxy/${target}/mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: ${as('ops').authorization}\r\nContent-Length: 2\r\n\r\n{}`,
    )
    while (mesh.audit().length === 0) await new Promise(setImmediate)

    assert.equal(mesh.audit()[0]?.['end'], 'timeout')
    socket.destroy()
    const next = await mesh.agent(answering(), { id: 'next' })
    assert.equal((await mesh.call(`${next}/mcp`)).status, 200)
  })
})
