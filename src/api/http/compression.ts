import { promisify } from 'node:util'
import { gzip, zstdCompress } from 'node:zlib'
import { memoize } from './memoize.ts'
import type { Reply } from './reply.ts'

const encoders = { zstd: promisify(zstdCompress), gzip: promisify(gzip) }
type Encoding = keyof typeof encoders

/** Smaller bodies fit one packet anyway; larger ones would hold a thread for seconds. */
const least = 1024
const most = 64 * 1024 * 1024

/** What an `Accept-Encoding` asks for that we have; a name with `q=0` is refused by it, `*` means the best. */
function encodingFor(accepted: string): Encoding | null {
  const asked = accepted
    .toLowerCase()
    .split(',')
    .map((one) => {
      const [name = '', ...parameters] = one.split(';').map((part) => part.trim())
      const quality = parameters.find((parameter) => parameter.startsWith('q='))
      return { name, quality: quality === undefined ? 1 : Number(quality.slice(2)) }
    })
  const qualityOf = (encoding: string) =>
    (asked.find(({ name }) => name === encoding) ?? asked.find(({ name }) => name === '*'))?.quality ?? 0
  const zstd = qualityOf('zstd')
  const plain = qualityOf('gzip')
  if (zstd > 0 && zstd >= plain) return 'zstd'
  return plain > 0 ? 'gzip' : null
}

/**
 * Compressed variants of replies, each made once, off the main thread, when it is first asked for.
 *
 * They live exactly as long as the reply they were made of, so a cache of replies is a cache of variants too.
 */
function createCompression() {
  const wanted = memoize(200, encodingFor)
  const variants = new WeakMap<Reply, Partial<Record<Encoding, Reply | Promise<Reply>>>>()

  async function make(reply: Reply, encoding: Encoding): Promise<Reply> {
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

  /** The variant that a request accepts; a promise while it is being made, and `reply` itself where none is worth it. */
  function variant(reply: Reply, accepted: string | undefined): Reply | Promise<Reply> {
    if (accepted === undefined || reply.body.length < least || reply.body.length > most) return reply
    const encoding = wanted(accepted)
    if (encoding === null) return reply
    const made = variants.get(reply) ?? {}
    variants.set(reply, made)
    const found = made[encoding]
    if (found) return found
    const making = make(reply, encoding)
      .catch(() => reply)
      .then((done) => (made[encoding] = done))
    made[encoding] = making
    return making
  }

  return { variant }
}

/** One for all: what it keeps hangs on the replies themselves. */
export const compression = createCompression()
