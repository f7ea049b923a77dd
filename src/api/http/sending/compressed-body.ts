import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib'
import { freeBytes } from '../../../flow/bytes/free-bytes.ts'
import { brotliOptions, type Encoding } from '../compression.ts'
import type { BodyPiece } from './response-budget.ts'

/** An encoder holds a megabyte for as long as its client reads: further bodies go as they are. */
const maxEncoders = 16
/** Distance at which an encoder still finds repeated text, as a power of two: it is the memory that it takes. */
const windowBits = 18

/** With `highWaterMark` 1 an encoder asks for the next piece once it has read the one before. */
const buffering = { highWaterMark: 1, chunkSize: 64 * 1024 }

const encoders = {
  zstd: () => createZstdCompress({ ...buffering, params: { [constants.ZSTD_c_windowLog]: windowBits } }),
  br: () =>
    createBrotliCompress({ ...buffering, params: { ...brotliOptions, [constants.BROTLI_PARAM_LGWIN]: windowBits } }),
  gzip: () => createGzip(buffering),
}

let running = 0

/** Whether a further body may be compressed while it is sent. */
export function mayCompress(): boolean {
  return running < maxEncoders
}

/** The pieces of a body, compressed off the main thread. The next is made once those before were read. */
export async function* compressedPieces(
  pieces: AsyncIterable<BodyPiece>,
  encoding: Encoding,
): AsyncGenerator<BodyPiece, void> {
  async function* plain(): AsyncGenerator<Buffer> {
    for await (const { bytes, isOwned } of pieces) {
      yield bytes
      if (isOwned) freeBytes(bytes)
    }
  }

  running += 1
  const encoder = encoders[encoding]()
  try {
    // An error destroys the encoder, whose reader below throws it.
    pipeline(plain, encoder).catch(() => undefined)
    for await (const bytes of encoder) yield { bytes: bytes as Buffer, isOwned: false }
  } finally {
    running -= 1
  }
}
