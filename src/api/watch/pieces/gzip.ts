import { promisify } from 'node:util'
import { constants, deflateRaw, deflateRawSync } from 'node:zlib'
import { freeBytes } from '../../../flow/bytes/free-bytes.ts'
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

/**
 * Each piece is compressed by itself and ends at a byte. So a stream can begin with any piece and go on with any other: one
 * piece is compressed once, however many watchers it is sent to, and no watcher has a compressor. All of a piece can be read
 * as soon as it arrives.
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
  const recent: { readonly plain: Buffer; readonly packed: Piece }[] = []

  /** Packs a short piece at once. Groups whose watchers see a change alike share the result. */
  function pack({ bytes }: Piece): Piece {
    if (bytes.length < minDeflatedBytes) return stored(bytes)
    const known = recent.find(({ plain }) => plain.equals(bytes))
    if (known) return known.packed
    const packed = pieceOf([deflateRawSync(bytes, options)], sumOf(bytes))
    recent.unshift({ plain: bytes, packed })
    recent.splice(maxRecent)
    return packed
  }

  /** Packs a piece of any length; frees the memory of a long one. */
  async function packInBackground(piece: Piece): Promise<Piece> {
    if (!isLong(piece.bytes.length)) return pack(piece)
    const packed = pieceOf([await deflateInBackground(piece.bytes, options)], sumOf(piece.bytes))
    freeBytes(piece.chunk)
    return packed
  }

  return { pack, packInBackground }
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
  return pieceOf([header, text], sumOf(text))
}
