import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { PassThrough } from 'node:stream'
import { it } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { streamList } from '../../../../src/api/servers/list/streamed-list.ts'
import { registered } from '../../../builders.ts'

it('gives the event loop a turn while it writes a long list, however fast it is read', async () => {
  const page = Array.from({ length: 2000 }, (_, at) => registered({ name: `server-${at}` }))
  // Takes little at once and is drained in the same turn of the loop, as a reader on the same machine does.
  const reader = new PassThrough({ highWaterMark: 1 }).resume()
  const bytes = Buffer.from('{}')
  const done = new AbortController()
  let turns = 0

  const writing = streamList(reader as unknown as ServerResponse, {
    list: { selection: { page, total: page.length }, token: 'e-1', syncing: [] },
    encoder: { encode: () => (busy(0.1), bytes), ownsBytes: false },
  }).finally(() => done.abort())
  for (; !done.signal.aborted; turns += 1) await setImmediate()
  await writing

  assert.ok(turns > 10, `200 ms of work, and the loop had ${turns} turns`)
})

it('writes the cached bytes of large servers as they are, and frees what it made for the response', async () => {
  const page = Array.from({ length: 4 }, (_, at) => registered({ name: `server-${at}` }))
  const large = Buffer.from(JSON.stringify('x'.repeat(200_000)))
  const small = Buffer.from(JSON.stringify('y'.repeat(10_000)))
  const cached = [large, small, small, large]
  const reader = new PassThrough().resume()
  const written: Buffer[] = []
  const parts: string[] = []
  const write = reader.write.bind(reader) as (piece: Buffer, done: () => void) => boolean
  reader.write = ((piece: Buffer, done: () => void) => {
    written.push(piece)
    parts.push(piece.toString())
    return write(piece, done)
  }) as typeof reader.write

  await streamList(reader as unknown as ServerResponse, {
    list: { selection: { page, total: 4 }, token: 'e-1', syncing: [] },
    encoder: { encode: (one) => cached[page.indexOf(one)] ?? small, ownsBytes: false },
  })
  await setImmediate()

  const { servers } = JSON.parse(parts.join('')) as { servers: string[] }
  assert.deepEqual(
    servers.map((server) => server.length),
    [200_000, 10_000, 10_000, 200_000],
  )
  assert.equal(written.filter((piece) => piece === large).length, 2)
  assert.deepEqual([large.length, small.length], [200_002, 10_002])
  assert.equal(written.filter((piece) => piece !== large && piece.length > 8192).length, 0)
})

it('frees the bytes that were encoded for the response alone', async () => {
  const page = Array.from({ length: 3 }, (_, at) => registered({ name: `server-${at}` }))
  const made: Buffer[] = []
  const encode = () => {
    const bytes = Buffer.from(JSON.stringify('x'.repeat(200_000)))
    made.push(bytes)
    return bytes
  }
  const reader = new PassThrough().resume()

  await streamList(reader as unknown as ServerResponse, {
    list: { selection: { page, total: 3 }, token: 'e-1', syncing: [] },
    encoder: { encode, ownsBytes: true },
  })
  await setImmediate()

  assert.deepEqual(
    made.map(({ length }) => length),
    [0, 0, 0],
  )
})

function busy(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
