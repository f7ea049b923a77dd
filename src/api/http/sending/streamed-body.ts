import type { ServerResponse } from 'node:http'
import { responseBudget } from './response-budget.ts'

/** Longer lists are streamed: encoded piece by piece as the client reads them. */
export const maxWholeBytes = 1024 * 1024
/** Longer bodies are not cached: a client that does not read one would hold it. */
export const maxCachedBodyBytes = 4 * 1024 * 1024
/** Size from which on a piece is written. */
export const minPieceBytes = 128 * 1024

/**
 * Writes a body piece by piece, as fast as the client reads it. Each piece is made when the one before was read, so that
 * a client holds one of them.
 */
export async function writePieces(
  outgoing: ServerResponse,
  pieces: AsyncIterable<Buffer>,
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
