import { promisify } from 'node:util'
import { constants, deflateRaw, deflateRawSync } from 'node:zlib'
import { sumOf, type TextSum } from './checksum.ts'
import { type Piece, pieceOf } from './piece.ts'

/** The encoding of compressed streams. */
export type StreamEncoding = 'gzip'

/** Shorter pieces stay as they are: they would lose some bytes of a packet that is sent anyway. */
const minDeflatedBytes = 200
/** Longer pieces are compressed off the main thread; this takes a tenth of a millisecond. */
const maxBytesAtOnce = 16 * 1024
/** Number of pieces that groups share when they show the same bytes. */
const maxRecent = 8

/** Longer texts are not kept until the next piece. */
const maxTextBytes = 8 * 1024

/**
 * Each piece is compressed by itself and ends at a byte. So a stream can begin with any piece and go on with any other: one
 * piece is compressed once, however many watchers it is sent to, and no watcher has a compressor. All of a piece can be read
 * as soon as it arrives.
 *
 * A short piece may be compressed with the text of the piece before it as history: for the streams that end with this text.
 * Events are much alike, so it takes a fifth of the bytes.
 */
const options = { level: 3, finishFlush: constants.Z_SYNC_FLUSH }
const deflateInBackground = promisify(deflateRaw)

/** What every stream begins with: deflate, no file name, no time (RFC 1952 §2.3). */
export const gzipStart = pieceOf([Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])])

/** What a stream ends with: an empty last block, and the sum of its whole text. */
export function gzipEnd({ crc, length }: TextSum): Piece {
  const bytes = Buffer.from([0x03, 0x00, 0, 0, 0, 0, 0, 0, 0, 0])
  bytes.writeUInt32LE(crc, 2)
  bytes.writeUInt32LE(length, 6)
  return pieceOf([bytes])
}

/** Pieces of plain text as pieces of gzip streams. */
function createGzip() {
  const recent: { readonly plain: Buffer; readonly before: Buffer | undefined; readonly packed: Piece }[] = []

  /** Packs a short piece at once. Groups whose watchers see a change alike share the result. */
  function pack({ bytes }: Piece, before?: Buffer): Piece {
    if (bytes.length < minDeflatedBytes) return stored(bytes)
    const known = recent.find((one) => one.plain.equals(bytes) && isSame(one.before, before))
    if (known) return known.packed
    const packed = deflated(bytes, before)
    recent.unshift({ plain: bytes, before, packed })
    recent.splice(maxRecent)
    return packed
  }

  return { pack, packInBackground }
}

function deflated(bytes: Buffer, before?: Buffer): Piece {
  const packed = deflateRawSync(bytes, before ? { ...options, dictionary: before } : options)
  return pieceOf([packed], { sum: sumOf(bytes), ...(bytes.length <= maxTextBytes && { text: bytes }) })
}

/** Packs a piece of any length for one caller, who may free it. */
async function packInBackground({ bytes }: Piece): Promise<Piece> {
  if (bytes.length < minDeflatedBytes) return stored(bytes)
  if (!isLong(bytes.length)) return deflated(bytes)
  return pieceOf([await deflateInBackground(bytes, options)], { sum: sumOf(bytes) })
}

/** Shared by all groups. */
export const gzip = createGzip()

/** Whether packing these bytes would hold up the event loop. */
export const isLong = (bytes: number): boolean => bytes > maxBytesAtOnce

/** A block that holds a text as it is (RFC 1951 §3.2.4). */
function stored(text: Buffer): Piece {
  const header = Buffer.from([0, 0, 0, 0, 0])
  header.writeUInt16LE(text.length, 1)
  header.writeUInt16LE(~text.length & 0xffff, 3)
  return pieceOf([header, text], { sum: sumOf(text) })
}

function isSame(one: Buffer | undefined, other: Buffer | undefined): boolean {
  return one && other ? one.equals(other) : one === other
}
