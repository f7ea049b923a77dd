import { promisify } from 'node:util'
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib'
import { memoize } from './memoize.ts'
import type { Reply } from './reply.ts'

/** At this quality brotli takes no longer than gzip; the default, 11, takes fifty times as long. */
export const brotliOptions = { [constants.BROTLI_PARAM_QUALITY]: 4 }
const packBrotli = promisify(brotliCompress)

/** In the order of preference among equals. */
const encoders = {
  zstd: promisify(zstdCompress),
  br: (bytes: Buffer) => packBrotli(bytes, { params: brotliOptions }),
  gzip: promisify(gzip),
}
export type Encoding = keyof typeof encoders
const encodings = Object.keys(encoders) as Encoding[]

/** Smaller bodies fit one packet anyway; larger ones would hold a thread for seconds. */
const minBytes = 1024
const maxBytes = 64 * 1024 * 1024

const maxRememberedHeaders = 200

/** The best encoding of all that an `Accept-Encoding` accepts; null for none. */
const encodingFor = (accepted: string) => bestOf(encodings, accepted)

/** `q=0` rejects an encoding, `*` stands for all that are not named. Unencoded is best only where it is named as better. */
function bestOf<E extends Encoding>(encodings: readonly E[], accepted: string): E | null {
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
  let best: { readonly encoding: E | null; readonly quality: number } = { encoding: null, quality: 0 }
  for (const encoding of encodings) {
    const quality = qualityOf(encoding)
    if (quality > best.quality) best = { encoding, quality }
  }
  const identity = preferences.find(({ name }) => name === 'identity')
  return identity && identity.quality > best.quality ? null : best.encoding
}

/** The tag of the same content in other bytes. */
export function weakTag(etag: string): string {
  return `W/${etag.replace(/^W\//, '')}`
}

/**
 * Compressed variants of replies. Each is made once, off the main thread, with its first request.
 *
 * A variant lives as long as its reply, so a cache of replies is a cache of variants too.
 */
function createCompression() {
  const encodingOf = memoize(maxRememberedHeaders, encodingFor)
  const gzipIn = memoize(maxRememberedHeaders, (accepted) => bestOf(['gzip'], accepted))
  const variants = new WeakMap<Reply, Partial<Record<Encoding, Reply | Promise<Reply>>>>()

  async function compress(reply: Reply, encoding: Encoding): Promise<Reply> {
    const body = await encoders[encoding](reply.body)
    const etag = reply.etag === undefined ? {} : { etag: weakTag(reply.etag) }
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

  return {
    variant,
    encodingOf: (accepted = '') => encodingOf(accepted),
    /** For what is sent in gzip or as it is. */
    gzipIn: (accepted = '') => gzipIn(accepted),
  }
}

/** Shared by all requests: variants are keyed by the replies themselves. */
export const compression = createCompression()
