import type { ServerResponse } from 'node:http'
import { runCooperatively } from '../../../flow/cooperative.ts'
import type { ApiContext, ApiResponse } from '../../http/context.ts'
import { jsonReply, namesTag } from '../../http/reply.ts'
import { respond, respondedRaw } from '../../http/respond.ts'
import type { BodyPiece } from '../../http/sending/response-budget.ts'
import { writePieces } from '../../http/sending/streamed-body.ts'
import type { ListCache } from './list-cache.ts'
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
  return (c: ApiContext, query: string): ApiResponse => {
    const { incoming } = c.env
    const { list, encoder, etag, makeReply } = lists.open(query)
    const { headers, unchanged = {} } = jsonReply(noBytes, etag === undefined ? {} : { etag })
    const { 'if-none-match': ifNoneMatch } = incoming.headers
    if (etag !== undefined && ifNoneMatch !== undefined && namesTag(ifNoneMatch, etag))
      return new Response(null, { status: 304, headers: { ...unchanged, ...c.env.cors } })
    const { 'content-length': _unknown, ...streamed } = headers

    function stream(): Response {
      const { outgoing, cors } = c.env
      if (incoming.method === 'HEAD') return new Response(null, { headers: { ...streamed, ...cors } })
      outgoing.writeHead(200, { ...streamed, ...cors })
      streamList(outgoing, { list, encoder }).catch(onError)
      return respondedRaw
    }

    return makeReply ? makeReply().then((reply) => (reply ? respond(c, reply) : stream())) : stream()
  }
}

/**
 * Writes a list as fast as it is read.
 *
 * All of it is of one revision, whatever changes meanwhile: servers are immutable.
 */
export function streamList(
  outgoing: ServerResponse,
  { list, encoder }: { readonly list: EncodedList; readonly encoder: Encoder },
): Promise<void> {
  return writePieces(outgoing, piecesOf(list, encoder))
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
