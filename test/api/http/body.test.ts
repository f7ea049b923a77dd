import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { readJson } from '../../../src/api/http/body.ts'
import { createRoutes } from '../../../src/api/http/context.ts'
import { replyToError } from '../../../src/api/http/reply.ts'
import { respond, respondJson } from '../../../src/api/http/respond.ts'
import { silent } from '../../../src/log.ts'
import { read, serve } from '../served-api.ts'

const maxBytes = 1_100_000

/** Answers with the length of the JSON text that it gets. */
function lengths() {
  const app = createRoutes()
  app.post('/length', async (c) => respondJson(c, { length: String(await readJson(c, maxBytes)).length }))
  app.onError((error, c) => respond(c, replyToError(error, { log: silent, path: c.req.path })))
  return app
}

const head = (path: string, headers: string) => `POST ${path} HTTP/1.1\r\nhost: localhost\r\n${headers}\r\n\r\n`
const chunked = (...pieces: string[]) =>
  [...pieces, ''].map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('')

async function send(port: number, bytes: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

describe('the body of a request', () => {
  it('is read in whatever chunks it comes, as long as they are not tiny', async () => {
    await using served = await serve({ app: lengths() })
    const pieces = ['"', ...Array.from({ length: 1000 }, () => 'x'.repeat(1000)), '"']
    const whole = pieces.join('')
    const start = head('/length', 'connection: close\r\ntransfer-encoding: chunked')

    const answers = await Promise.all([
      served.raw(start + chunked(...pieces)),
      served.raw(start + chunked('"', 'a', 'b', 'c', '"')),
      served.raw(head('/length', `connection: close\r\ncontent-length: ${whole.length}`) + whole),
      served.raw(head('/length', 'connection: close\r\ncontent-length: 4') + '"ab"'),
    ])

    assert.deepEqual(
      answers.map((answer) => read(answer).status),
      [200, 200, 200, 200],
    )
    assert.deepEqual(
      answers.map((answer) => Number(/"length":(\d+)/.exec(answer)?.[1])),
      [1_000_000, 3, 1_000_000, 2],
    )
  })

  it('is rejected once it has come in thousands of tiny chunks', async () => {
    await using served = await serve({ app: lengths() })

    const tiny = chunked(' ').slice(0, -5).repeat(200_000)
    const answer = await served.raw(head('/length', 'transfer-encoding: chunked') + tiny)

    assert.equal(read(answer).status, 413)
    assert.match(read(answer).body, /"body_fragmented"/)
  })

  it('is rejected where it is the largest and all bodies in flight are too large together', async () => {
    await using served = await serve({ app: lengths() })
    const held = await Promise.all(
      Array.from({ length: 100 }, () =>
        send(served.port, head('/length', `content-length: 1000001`) + ' '.repeat(1_000_000)),
      ),
    )
    const answers = held.map((socket) => text(socket))

    const rejected = read(await Promise.race(answers))
    const small = read(await served.raw(head('/length', 'connection: close\r\ncontent-length: 4') + '"ab"'))
    for (const socket of held) socket.end('"')
    const statuses = (await Promise.all(answers)).map((answer) => read(answer).status)

    assert.deepEqual([rejected.status, small.status], [503, 200])
    assert.match(rejected.head, /retry-after: \d/)
    assert.match(rejected.body, /"bodies_exceeded"/)
    const held503 = statuses.filter((status) => status === 503).length
    assert.ok(held503 >= 33 && held503 < 90, `${held503} of 100 were rejected`)
  })

  it('is not waited for where the caller may not write', async () => {
    await using served = await serve({ anonymous: 'reader' })
    const paths = ['/agents', '/heartbeat', '/servers', '/mcp/tools/register_agent', '/agents/register_with_metadata']

    for (const path of paths) {
      const answer = read(await served.raw(head(path, 'content-length: 100000')))
      assert.equal(answer.status, 403, path)
    }
  })
})
