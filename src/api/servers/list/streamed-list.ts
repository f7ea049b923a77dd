import type { ServerResponse } from 'node:http'
import { runCooperatively } from '../../../flow/cooperative.ts'
import { compression, type Encoding, weakTag } from '../../http/compression.ts'
import type { ApiContext } from '../../http/context.ts'
import { jsonReply, namesTag } from '../../http/reply.ts'
import { respondedRaw } from '../../http/respond.ts'
import { compressedPieces, mayCompress } from '../../http/sending/compressed-body.ts'
import type { BodyPiece } from '../../http/sending/response-budget.ts'
import { writePieces } from '../../http/sending/streamed-body.ts'
import type { ListCache, LongList } from './list-cache.ts'
import { closing, type EncodedList, type Encoder, nextPieces, opening } from './list-encoding.ts'

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
    const { etag, ...long } = lists.open(query)
    const encoding = mayCompress() ? compression.encodingOf(incoming.headers['accept-encoding']) : null
    const { headers, unchanged = {} } = jsonReply(noBytes, etag === undefined ? {} : { etag })
    const { 'if-none-match': ifNoneMatch } = incoming.headers
    if (etag !== undefined && ifNoneMatch !== undefined && namesTag(ifNoneMatch, etag))
      return new Response(null, { status: 304, headers: { ...unchanged, ...cors } })
    const { 'content-length': _unknown, ...plain } = headers
    const packed = encoding && { 'content-encoding': encoding, ...(etag !== undefined && { etag: weakTag(etag) }) }
    const streamed = { ...plain, ...packed }

    if (incoming.method === 'HEAD') return new Response(null, { headers: { ...streamed, ...cors } })
    outgoing.writeHead(200, { ...streamed, ...cors })
    streamList(outgoing, { ...long, encoding }).catch(onError)
    return respondedRaw
  }
}

/**
 * Writes a list as fast as it is read.
 *
 * All of it is of one revision, whatever changes meanwhile: servers are immutable.
 */
export async function streamList(
  outgoing: ServerResponse,
  {
    list,
    encoder,
    collector,
    encoding = null,
  }: Pick<LongList, 'list' | 'encoder' | 'collector'> & { readonly encoding?: Encoding | null },
): Promise<void> {
  async function* pieces(): AsyncGenerator<BodyPiece> {
    for await (const { bytes, isOwned } of piecesOf(list, encoder)) {
      const isKept = collector?.add(bytes) ?? false
      yield { bytes, isOwned: isOwned && !isKept }
    }
  }

  try {
    await writePieces(outgoing, encoding ? compressedPieces(pieces(), encoding) : pieces())
  } finally {
    collector?.end(outgoing.writableEnded)
  }
}

/** The body of a list in pieces, each made when it is asked for. */
export async function* piecesOf(list: EncodedList, encoder: Encoder): AsyncGenerator<BodyPiece> {
  const { page } = list.selection
  yield { bytes: opening, isOwned: false }
  for (let start = 0; start < page.length;) {
    const { pieces, next } = await runCooperatively(nextPieces(page, encoder, start))
    start = next
    yield* pieces
  }
  yield { bytes: closing(list), isOwned: true }
}
