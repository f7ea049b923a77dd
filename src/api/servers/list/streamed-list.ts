import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { runCooperatively } from '../../../flow/cooperative.ts'
import type { ApiContext } from '../../http/context.ts'
import { jsonReply, namesTag } from '../../http/reply.ts'
import { respondedRaw } from '../../http/respond.ts'
import type { ListCache, LongList } from './list-cache.ts'
import { closing, joinedItems, opening } from './list-encoding.ts'

const serversPerPiece = 100
const noBytes = Buffer.alloc(0)

/**
 * Answers with a long list, encoded piece by piece as the client reads it, so that it holds up no other request.
 *
 * The raw response takes the pieces: a `ReadableStream` would copy each through a queue of its own.
 */
export function createListStream({
  lists,
  onError,
}: {
  lists: Pick<ListCache, 'open'>
  onError: (error: unknown) => void
}) {
  return ({ env: { incoming, outgoing, cors } }: ApiContext, query: string): Response => {
    const list = lists.open(query)
    const { etag } = list
    const { headers, unchanged = {} } = jsonReply(noBytes, etag === undefined ? {} : { etag })
    const { 'if-none-match': ifNoneMatch } = incoming.headers
    if (etag !== undefined && ifNoneMatch !== undefined && namesTag(ifNoneMatch, etag))
      return new Response(null, { status: 304, headers: { ...unchanged, ...cors } })
    const { 'content-length': _unknown, ...streamed } = headers
    if (incoming.method === 'HEAD') return new Response(null, { headers: { ...streamed, ...cors } })
    outgoing.writeHead(200, { ...streamed, ...cors })
    streamList(outgoing, list)
      .then((body) => body && list.cache(body))
      .catch(onError)
    return respondedRaw
  }
}

/**
 * Writes a list as fast as it is read; resolves to the whole body where it is worth caching.
 *
 * All of it is of one revision, whatever changes meanwhile: servers are immutable.
 */
export async function streamList(
  outgoing: ServerResponse,
  { list, encode, maxCollectedBytes }: Pick<LongList, 'list' | 'encode' | 'maxCollectedBytes'>,
): Promise<Buffer | undefined> {
  const closed = new AbortController()
  outgoing.once('close', () => closed.abort())
  const { page } = list.selection
  const maxBytes = maxCollectedBytes()
  const pieces: Buffer[] = []
  let bytes = 0

  function write(piece: Buffer): boolean {
    bytes += piece.length
    if (bytes <= maxBytes) pieces.push(piece)
    else pieces.length = 0
    return outgoing.write(piece)
  }

  write(opening)
  for (let next = 0; next < page.length && !closed.signal.aborted; next += serversPerPiece) {
    const piece = await runCooperatively(joinedItems(page.slice(next, next + serversPerPiece), encode, next === 0))
    if (!write(piece)) await drained(outgoing, closed.signal)
  }
  if (closed.signal.aborted) return undefined
  write(closing(list))
  outgoing.end()
  return bytes <= maxBytes ? Buffer.concat(pieces) : undefined
}

async function drained(outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  try {
    await once(outgoing, 'drain', { signal })
  } catch {
    // The connection has closed; the loop sees the signal.
  }
}
