import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import type { Handle } from '../../../../src/api/http/listening/request-queues.ts'
import { listen } from '../../../../src/api/http/listening/server.ts'
import { silent } from '../../../../src/log.ts'
import { limits, serve } from '../../served-api.ts'

const options = { host: '127.0.0.1', port: 0, limits, log: silent }
const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`
const last = 'GET /last HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'

async function send(port: number, bytes: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.pause()
  socket.write(bytes)
  return socket
}

/** Collects the requests that it gets, and answers none. */
function collector() {
  const requests: { request: IncomingMessage; response: ServerResponse }[] = []
  let wake = () => {}
  const handle: Handle = (request, response) => {
    requests.push({ request, response })
    wake()
  }
  /** Waits for the request of this number. */
  const nth = async (count: number) => {
    while (requests.length < count) await new Promise<void>((resolve) => (wake = resolve))
    return requests[count - 1] ?? assert.fail()
  }
  return { requests, handle, nth }
}

describe('pipelined requests', () => {
  it('are handled one after the other, each once the answer before it is finished', async () => {
    const { handle, requests, nth } = collector()
    await using listening = await listen(handle, options)
    const socket = await send(listening.port, get('/1') + get('/2') + last)

    const handled: number[] = []
    for (const count of [1, 2, 3]) {
      const { request, response } = await nth(count)
      handled.push(requests.length)
      response.end(`answer to ${request.url}`)
    }

    assert.deepEqual(handled, [1, 2, 3])
    const answers = await text(socket)
    assert.deepEqual(answers.match(/answer to \/(?:1|2|last)/g), ['answer to /1', 'answer to /2', 'answer to /last'])
  })

  it('wait in the connection of a client that does not read, and are all answered once it reads', async () => {
    const megabyte = Buffer.alloc(1_000_000, 'x')
    let handled = 0
    const blocked = Promise.withResolvers<void>()
    const handle: Handle = (_request, response) => {
      handled += 1
      response.end(megabyte)
      if (response.socket?.writableNeedDrain) blocked.resolve()
    }
    await using listening = await listen(handle, options)
    const socket = await send(listening.port, get('/').repeat(200) + last)

    await blocked.promise
    const before = handled
    let bytes = 0
    for await (const chunk of socket) bytes += (chunk as Buffer).length

    assert.ok(before < 50, `${before} answers were made for a client that reads nothing`)
    assert.equal(handled, 201)
    assert.ok(bytes > 201 * megabyte.length)
  })

  it('keep their bodies while they wait', async () => {
    await using served = await serve()
    const registration = JSON.stringify({ id: 'owl', metadata: { text: 'x'.repeat(200_000) } })
    const post = (end: string) =>
      `POST /mcp/tools/discover_services HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${registration.length}\r\n${end}\r\n${registration}`

    const answers = await served.raw(get('/sources') + post('') + get('/sources') + post('connection: close\r\n'))

    assert.deepEqual(
      [...answers.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
      ['200', '400', '200', '400'],
    )
    assert.doesNotMatch(answers, /body_/)
  })

  it('end the connections with the most of them where too many wait', async () => {
    await using listening = await listen(() => {}, options, { graceMs: 0 })

    const few = await send(listening.port, get('/').repeat(3))
    const greedy = await Promise.all(Array.from({ length: 12 }, () => send(listening.port, get('/').repeat(3000))))
    for (const socket of [few, ...greedy]) socket.resume()
    await Promise.race(greedy.map((socket) => new Promise((resolve) => void socket.once('close', resolve))))

    assert.equal(few.closed, false)
    assert.ok(listening.connections() > 1)
  })
})
