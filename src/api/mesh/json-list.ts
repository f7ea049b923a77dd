import { setImmediate } from 'node:timers/promises'
import type { ApiContext, ApiResponse } from '../http/context.ts'
import { baseHeaders, jsonReply } from '../http/reply.ts'
import { respond } from '../http/respond.ts'

/** A list of more items is streamed, in pieces of this many items. */
const maxItemsAtOnce = 500
const itemsPerPiece = 100

/**
 * Answers `{"NAME": [...], "count": …, …members}`. A long list is encoded piece by piece as the client reads it, so that it
 * holds up no other request; its items were selected at once.
 */
export function respondItems<T>(
  c: ApiContext,
  { name, items, encode, members }: { name: string; items: readonly T[]; encode: (item: T) => string; members: object },
): ApiResponse {
  const head = `{${JSON.stringify(name)}:[`
  const tail = `],${JSON.stringify({ count: items.length, timestamp: new Date().toISOString(), ...members }).slice(1)}`
  const piece = (from: number, to: number) => items.slice(from, to).map(encode).join(',')
  if (items.length <= maxItemsAtOnce)
    return respond(c, jsonReply(Buffer.from(`${head}${piece(0, items.length)}${tail}`)))
  const headers = { ...baseHeaders, 'content-type': 'application/json', 'cache-control': 'no-cache', vary: 'Origin' }
  const body = streamOf(items.length, piece, { head, tail })
  return new Response(body, { headers: { ...headers, ...c.env.cors } })
}

function streamOf(
  length: number,
  piece: (from: number, to: number) => string,
  { head, tail }: { head: string; tail: string },
): ReadableStream<Uint8Array> {
  let next = 0
  return new ReadableStream({
    async pull(controller) {
      await setImmediate()
      const text = piece(next, next + itemsPerPiece)
      const before = next === 0 ? head : ','
      next += itemsPerPiece
      controller.enqueue(Buffer.from(`${before}${text}${next >= length ? tail : ''}`))
      if (next >= length) controller.close()
    },
  })
}
