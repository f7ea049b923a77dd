import assert from 'node:assert/strict'
import { get, type IncomingHttpHeaders } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compression } from '../../../src/api/http/compression.ts'
import { jsonReply } from '../../../src/api/http/reply.ts'
import { until } from '../../e2e/daemon-process.ts'
import { serve } from '../served-api.ts'

const long = Buffer.from(JSON.stringify({ text: 'weather '.repeat(1000) }))

const decoders: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: gunzipSync,
  br: brotliDecompressSync,
  zstd: zstdDecompressSync,
}
const plainOf = (encoding: string | undefined, bytes: Buffer) => decoders[encoding ?? '']?.(bytes) ?? bytes

/** The answer to a request as it is on the wire. */
function askRaw(url: string, accepted: string): Promise<{ headers: IncomingHttpHeaders; body: Buffer }> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': accepted }, agent: false }, (response) => {
      buffer(response).then((body) => resolve({ headers: response.headers, body }), reject)
    }).on('error', reject)
  })
}

describe('compression', () => {
  for (const [accepted, encoding] of [
    ['gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['zstd;q=0.5, gzip;q=0.8', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['br;q=0.7, gzip;q=0.8, zstd;q=0.1', 'gzip'],
    ['gzip;q=0, *', 'zstd'],
    ['*;q=0', undefined],
    ['gzip;q=0.5, identity', undefined],
    ['gzip, identity', 'gzip'],
    ['gzip;q=0.5, identity;q=0.2', 'gzip'],
    ['identity', undefined],
    ['br', 'br'],
    ['deflate', undefined],
    ['gzip;q=nonsense', undefined],
    ['', undefined],
  ] as const) {
    it(`uses ${encoding ?? 'no encoding'} for a client that accepts "${accepted}"`, async () => {
      const reply = await compression.variant(jsonReply(long, { etag: '"e-1"' }), accepted)

      assert.equal(reply.headers['content-encoding'], encoding)
      assert.deepEqual(plainOf(encoding, reply.body), long)
      assert.equal(reply.headers['content-length'], String(reply.body.length))
      assert.equal(reply.headers['etag'], encoding ? 'W/"e-1"' : '"e-1"')
    })
  }

  it('runs once per reply, and not for small bodies', async () => {
    const reply = jsonReply(long)
    const small = jsonReply(Buffer.from('{}'))

    const [one, other] = await Promise.all([compression.variant(reply, 'gzip'), compression.variant(reply, 'gzip')])

    assert.equal(one, other)
    assert.equal(await compression.variant(reply, 'gzip'), one)
    assert.equal(compression.variant(small, 'gzip'), small)
  })

  it('keeps the ETag of a list valid for its uncompressed form', async () => {
    await using served = await serve({ servers: Array.from({ length: 20 }, (_, index) => ({ name: `s${index}` })) })

    const packed = await served.get('/servers', { headers: { 'accept-encoding': 'gzip' } })
    const etag = packed.headers.get('etag') ?? ''
    const again = await served.get('/servers', { headers: { 'accept-encoding': 'identity', 'if-none-match': etag } })

    assert.equal(packed.headers.get('content-encoding'), 'gzip')
    assert.match(packed.headers.get('vary') ?? '', /Accept-Encoding/)
    assert.equal(((await packed.json()) as { servers: unknown[] }).servers.length, 20)
    assert.match(etag, /^W\/"/)
    assert.equal(again.status, 304)
  })

  it('packs a long list while it is sent, at its first answer', async () => {
    await using served = await serve({ servers: Array.from({ length: 2500 }, (_, index) => ({ name: `s${index}` })) })

    for (const [index, encoding] of ['br', 'zstd', 'gzip'].entries()) {
      const { headers, body } = await askRaw(`${served.url}/servers?limit=${2400 + index}`, encoding)
      const { servers } = JSON.parse(plainOf(encoding, body).toString()) as { servers: { name: string }[] }

      assert.deepEqual([headers['content-encoding'], headers['content-length']], [encoding, undefined])
      assert.match(headers.etag ?? '', /^W\/"/)
      assert.equal(servers.length, 2400 + index)
      assert.equal(new Set(servers.map(({ name }) => name)).size, servers.length)
    }
    const plain = await askRaw(`${served.url}/servers?limit=2403`, 'identity')
    assert.equal(plain.headers['content-encoding'], undefined)
    assert.equal((JSON.parse(plain.body.toString()) as { count: number }).count, 2403)
  })

  it('has room for further lists once clients left in the middle of theirs', async () => {
    await using served = await serve({ servers: Array.from({ length: 2500 }, (_, index) => ({ name: `s${index}` })) })
    const leave = (index: number) =>
      new Promise<void>((resolve, reject) => {
        const url = `${served.url}/servers?limit=${2400 + index}`
        get(url, { headers: { 'accept-encoding': 'br' }, agent: false }, (response) => {
          response.destroy()
          resolve()
        }).on('error', reject)
      })

    await Promise.all(Array.from({ length: 40 }, (_, index) => leave(index)))

    // A list that is asked for again comes from the cache, where it is compressed in any case.
    let limit = 2000
    await until(async () => {
      const { headers } = await askRaw(`${served.url}/servers?limit=${(limit += 1)}`, 'br')
      return headers['content-encoding'] === 'br'
    }, 10)
  })
})
