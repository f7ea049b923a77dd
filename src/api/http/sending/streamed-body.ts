import type { ServerResponse } from 'node:http'
import { type BodyPiece, responseBudget } from './response-budget.ts'

/** Longer lists are streamed: encoded piece by piece as the client reads them. */
export const maxWholeBytes = 1024 * 1024
/** Longer bodies are not cached: a client that does not read one would hold it. */
export const maxCachedBodyBytes = 4 * 1024 * 1024
/** Size from which on a piece is written. */
export const minPieceBytes = 128 * 1024

/** A part of at least this size is a piece of its own, as it is; shorter ones are joined. */
const minLongPartBytes = 32 * 1024

/** The pieces of some parts in order. `ownsParts`: they were made for this response. */
export function piecesOfParts(parts: readonly Buffer[], ownsParts: boolean): readonly BodyPiece[] {
  const pieces: BodyPiece[] = []
  let short: Buffer[] = []
  const join = () => {
    if (short.length > 0) pieces.push({ bytes: joined(short), isOwned: true })
    short = []
  }
  for (const part of parts) {
    if (part.length < minLongPartBytes) {
      short.push(part)
      continue
    }
    join()
    pieces.push({ bytes: part, isOwned: ownsParts })
  }
  join()
  return pieces
}

/** Not from the pool of small buffers, so that it can be freed. */
function joined(parts: readonly Buffer[]): Buffer {
  const bytes = Buffer.allocUnsafeSlow(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) at += part.copy(bytes, at)
  return bytes
}

/**
 * Writes a body piece by piece, as fast as the client reads it. Each piece is made when the one before was read, so that
 * a client holds one of them.
 */
export async function writePieces(
  outgoing: ServerResponse,
  pieces: AsyncIterable<BodyPiece>,
  budget: Pick<typeof responseBudget, 'writePiece'> = responseBudget,
): Promise<void> {
  const closed = new AbortController()
  outgoing.once('close', () => closed.abort())
  for await (const piece of pieces) {
    if (closed.signal.aborted) return
    await budget.writePiece(outgoing, piece, closed.signal)
  }
  if (!closed.signal.aborted) outgoing.end()
}
