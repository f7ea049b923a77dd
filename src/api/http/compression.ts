import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import { memoize } from './memoize.ts'
import type { Reply } from './reply.ts'

const encoders = { zstd: promisify(zstdCompress), gzip: promisify(gzip) }
type Encoding = keyof typeof encoders

/** Smaller bodies fit one packet anyway; larger ones would hold a thread for seconds. */
const minBytes = 1024
const maxBytes = 64 * 1024 * 1024

const maxRememberedHeaders = 200

/** The best encoding that an `Accept-Encoding` accepts; null for none. `q=0` rejects an encoding, `*` stands for all others. */
function encodingFor(accepted: string): Encoding | null {
  const preferences = accepted
    .toLowerCase()
    .split(',')
    .map((item) => {
      const [name = '', ...parameters] = item.split(';').map((part) => part.trim())
      const quality = parameters.find((parameter) => parameter.startsWith('q='))
      return { name, quality: quality === undefined ? 1 : Number(quality.slice(2)) }
    })
  const qualityOf = (encoding: string) =>
    (preferences.find(({ name }) => name === encoding) ?? preferences.find(({ name }) => name === '*'))?.quality ?? 0
  const [zstd, plain] = [qualityOf('zstd'), qualityOf('gzip')]
  if (zstd > 0 && zstd >= plain) return 'zstd'
  return plain > 0 ? 'gzip' : null
}

/**
 * Compressed variants of replies. Each is made once, off the main thread, with its first request.
 *
 * A variant lives as long as its reply, so a cache of replies is a cache of variants too.
 */
function createCompression() {
  const encodingOf = memoize(maxRememberedHeaders, encodingFor)
  const variants = new WeakMap<Reply, Partial<Record<Encoding, Reply | Promise<Reply>>>>()

  async function compress(reply: Reply, encoding: Encoding): Promise<Reply> {
    const body = await encoders[encoding](reply.body)
    const etag = reply.etag === undefined ? {} : { etag: `W/${reply.etag.replace(/^W\//, '')}` }
    return {
      ...reply,
      ...etag,
      body,
      headers: { ...reply.headers, ...etag, 'content-encoding': encoding, 'content-length': String(body.length) },
      ...(reply.unchanged ? { unchanged: { ...reply.unchanged, ...etag } } : {}),
    }
  }

  /** The variant for an `Accept-Encoding`: a promise while it is compressed; the reply itself where that saves nothing. */
  function variant(reply: Reply, accepted: string | undefined): Reply | Promise<Reply> {
    if (accepted === undefined || reply.body.length < minBytes || reply.body.length > maxBytes) return reply
    const encoding = encodingOf(accepted)
    if (encoding === null) return reply
    const byEncoding = variants.get(reply) ?? {}
    variants.set(reply, byEncoding)
    const cached = byEncoding[encoding]
    if (cached) return cached
    const pending = compress(reply, encoding)
      .catch(() => reply)
      .then((done) => (byEncoding[encoding] = done))
    byEncoding[encoding] = pending
    return pending
  }

  return { variant }
}

/** Shared by all requests: variants are keyed by the replies themselves. */
export const compression = createCompression()
