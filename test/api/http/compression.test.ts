import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compression } from '../../../src/api/http/compression.ts'
import { jsonReply } from '../../../src/api/http/reply.ts'
import { serve } from '../served-api.ts'

const long = Buffer.from(JSON.stringify({ text: 'weather '.repeat(1000) }))

describe('compression', () => {
  for (const [accepted, encoding] of [
    ['gzip', 'gzip'],
    ['gzip, deflate, br, zstd', 'zstd'],
    ['zstd;q=0.5, gzip;q=0.8', 'gzip'],
    ['gzip;q=0, *', 'zstd'],
    ['*;q=0', undefined],
    ['identity', undefined],
    ['br', undefined],
    ['gzip;q=nonsense', undefined],
    ['', undefined],
  ] as const) {
    it(`uses ${encoding ?? 'no encoding'} for a client that accepts "${accepted}"`, async () => {
      const reply = await compression.variant(jsonReply(long, { etag: '"e-1"' }), accepted)

      assert.equal(reply.headers['content-encoding'], encoding)
      const plain = { gzip: gunzipSync, zstd: zstdDecompressSync, none: (bytes: Buffer) => bytes }[encoding ?? 'none']
      assert.deepEqual(plain(reply.body), long)
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
})
