import { runCooperatively } from '../../flow/cooperative.ts'
import type { ApiContext } from '../http/context.ts'
import { baseHeaders, jsonReply } from '../http/reply.ts'
import { respond } from '../http/respond.ts'

/** A list of more items is streamed, in pieces of this many items. */
const maxItemsAtOnce = 500
const itemsPerPiece = 100

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
  const head = `{${JSON.stringify(name)}:[`
  const tail = `],${JSON.stringify({ count: items.length, timestamp: new Date().toISOString(), ...members }).slice(1)}`
  const piece = (from: number, to: number) => runCooperatively(encodeAll(items.slice(from, to), encode))
  if (items.length <= maxItemsAtOnce)
    return respond(c, jsonReply(Buffer.from(`${head}${await piece(0, items.length)}${tail}`)))
  const headers = { ...baseHeaders, 'content-type': 'application/json', 'cache-control': 'no-cache', vary: 'Origin' }
  const body = streamOf(items.length, piece, { head, tail })
  return new Response(body, { headers: { ...headers, ...c.env.cors } })
}

function* encodeAll<T>(items: readonly T[], encode: Encode<T>): Generator<void, string> {
  const texts: string[] = []
  for (const item of items) {
    const encoded = encode(item)
    texts.push(typeof encoded === 'string' ? encoded : yield* encoded)
    yield
  }
  return texts.join(',')
}

function streamOf(
  length: number,
  piece: (from: number, to: number) => Promise<string>,
  { head, tail }: { head: string; tail: string },
): ReadableStream<Uint8Array> {
  let next = 0
  return new ReadableStream({
    async pull(controller) {
      const text = await piece(next, next + itemsPerPiece)
      const before = next === 0 ? head : ','
      next += itemsPerPiece
      controller.enqueue(Buffer.from(`${before}${text}${next >= length ? tail : ''}`))
      if (next >= length) controller.close()
    },
  })
}
