import { freeBytes } from '../../flow/bytes/free-bytes.ts'
import { runCooperatively } from '../../flow/cooperative.ts'
import type { ApiContext } from '../http/context.ts'
import { baseHeaders, jsonReply } from '../http/reply.ts'
import { respond, respondedRaw } from '../http/respond.ts'
import type { BodyPiece } from '../http/sending/response-budget.ts'
import { maxWholeBytes, minPieceBytes, writePieces } from '../http/sending/streamed-body.ts'

/** Encodes an item at once, or in steps where that takes long. */
type Encode<T> = (item: T) => string | Generator<void, string>

/**
 * Answers `{"NAME": [...], "count": …, …members}`. It is encoded in slices of the event loop, so that it holds up no other
 * request, and a long list piece by piece as the client reads it; its items were selected at once.
 */
export async function respondItems<T>(
  c: ApiContext,
  { name, items, encode, members }: { name: string; items: readonly T[]; encode: Encode<T>; members: object },
): Promise<Response> {
  const head = Buffer.from(`{${JSON.stringify(name)}:[`)
  const rest = { count: items.length, timestamp: new Date().toISOString(), ...members }
  const tail = Buffer.from(`],${JSON.stringify(rest).slice(1)}`)
  const first: Buffer[] = [head]
  let next = 0
  for (let bytes = 0; next < items.length && bytes <= maxWholeBytes;) {
    const made = await runCooperatively(pieceOfItems(items, encode, next))
    first.push(made.piece)
    bytes += made.piece.length
    next = made.next
  }
  if (next >= items.length) {
    const body = Buffer.concat([...first, tail])
    for (const piece of first) freeBytes(piece)
    return respond(c, jsonReply(body))
  }
  const { incoming, outgoing, cors } = c.env
  const headers = { ...baseHeaders, 'content-type': 'application/json', 'cache-control': 'no-cache', vary: 'Origin' }
  if (incoming.method === 'HEAD') return new Response(null, { headers: { ...headers, ...cors } })

  async function* pieces(): AsyncGenerator<BodyPiece> {
    for (let bytes = first.shift(); bytes; bytes = first.shift()) yield { bytes, isOwned: true }
    while (next < items.length) {
      const made = await runCooperatively(pieceOfItems(items, encode, next))
      next = made.next
      yield { bytes: made.piece, isOwned: true }
    }
    yield { bytes: tail, isOwned: true }
  }

  outgoing.writeHead(200, { ...headers, ...cors })
  writePieces(outgoing, pieces()).catch(() => outgoing.destroy())
  return respondedRaw
}

/** The items from `start` on that make one piece, each but the very first after a comma. Yields wherever it may be interrupted. */
function* pieceOfItems<T>(
  items: readonly T[],
  encode: Encode<T>,
  start: number,
): Generator<void, { readonly piece: Buffer; readonly next: number }> {
  const texts: string[] = []
  let next = start
  for (let length = 0; next < items.length && length < minPieceBytes; next += 1) {
    const encoded = encode(items[next] as T)
    const text = typeof encoded === 'string' ? encoded : yield* encoded
    texts.push(text)
    length += text.length
    yield
  }
  return { piece: Buffer.from(`${start === 0 ? '' : ','}${texts.join()}`), next }
}
