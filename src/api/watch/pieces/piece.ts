import type { PieceSum } from './checksum.ts'

/** Encoded frames: `bytes`, and the same memory framed as one chunk of a chunked body. */
export type Piece = {
  readonly bytes: Buffer
  readonly chunk: Buffer
  /** Of the text, where `bytes` are part of a gzip stream. */
  readonly sum?: PieceSum
  /** The text of such a short piece: the next may repeat it. */
  readonly text?: Buffer
}

/** One piece of a text or of buffers, framed here once for all watchers that it is sent to. */
export function pieceOf(content: string | readonly Buffer[], packed?: Pick<Piece, 'sum' | 'text'>): Piece {
  const parts = typeof content === 'string' ? [Buffer.from(content)] : content
  const length = parts.reduce((total, part) => total + part.length, 0)
  const size = `${length.toString(16)}\r\n`
  // Not from Node's buffer pool: the servers' bytes live there, and a short-lived piece would keep their slab in use.
  const chunk = Buffer.allocUnsafeSlow(size.length + length + 2)
  let at = chunk.write(size)
  for (const part of parts) at += part.copy(chunk, at)
  chunk.write('\r\n', at)
  return { bytes: chunk.subarray(size.length, at), chunk, ...packed }
}
