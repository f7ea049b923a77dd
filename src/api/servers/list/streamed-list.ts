import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { runCooperatively } from '../../../flow/cooperative.ts'
import { closing, type Encode, joinedItems, type EncodedList, opening } from './list-encoding.ts'

const perPiece = 100

/**
 * Writes a long list as fast as it is read, in slices; the whole body, for whoever asks next, where it is no longer than
 * `keepBytes`.
 *
 * What is written is one revision, whatever changes meanwhile: servers are immutable.
 */
export async function streamList(
  response: ServerResponse,
  listing: EncodedList,
  { encode, keepBytes }: { encode: Encode; keepBytes: number },
): Promise<Buffer | undefined> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const { page } = listing.selection
  const written: Buffer[] = []
  let bytes = 0

  function write(piece: Buffer): boolean {
    bytes += piece.length
    if (bytes <= keepBytes) written.push(piece)
    else written.length = 0
    return response.write(piece)
  }

  write(opening)
  for (let next = 0; next < page.length && !gone.signal.aborted; next += perPiece) {
    const piece = await runCooperatively(joinedItems(page.slice(next, next + perPiece), encode, next === 0))
    if (!write(piece)) await drained(response, gone.signal)
  }
  if (gone.signal.aborted) return undefined
  write(closing(listing))
  response.end()
  return bytes <= keepBytes ? Buffer.concat(written) : undefined
}

async function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  try {
    await once(response, 'drain', { signal })
  } catch {
    // Whoever read this has gone; the loop sees it.
  }
}
