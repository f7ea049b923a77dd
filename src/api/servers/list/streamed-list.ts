import type { ServerResponse } from 'node:http'
import { runCooperatively } from '../../../flow/cooperative.ts'
import type { ApiContext } from '../../http/context.ts'
import { jsonReply, namesTag } from '../../http/reply.ts'
import { respondedRaw } from '../../http/respond.ts'
import { writePieces } from '../../http/sending/streamed-body.ts'
import type { ListCache, LongList } from './list-cache.ts'
import { closing, type Encode, type EncodedList, opening, pieceOfItems } from './list-encoding.ts'

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
  const maxBytes = maxCollectedBytes()
  const collected: Buffer[] = []
  let bytes = 0

  async function* pieces(): AsyncGenerator<Buffer> {
    for await (const piece of piecesOf(list, encode)) {
      bytes += piece.length
      if (bytes <= maxBytes) collected.push(piece)
      else collected.length = 0
      yield piece
    }
  }

  await writePieces(outgoing, pieces())
  return outgoing.writableEnded && bytes <= maxBytes ? Buffer.concat(collected) : undefined
}

/** The body of a list in pieces, each made when it is asked for. */
export async function* piecesOf(list: EncodedList, encode: Encode): AsyncGenerator<Buffer> {
  const { page } = list.selection
  yield opening
  for (let start = 0; start < page.length;) {
    const { piece, next } = await runCooperatively(pieceOfItems(page, encode, start))
    start = next
    yield piece
  }
  yield closing(list)
}
