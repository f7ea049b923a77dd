import { setImmediate } from 'node:timers/promises'
import { jsonReply } from '../http/reply.ts'
import { type ApiContext, respond } from '../http/respond.ts'

const mostAtOnce = 500
const perPiece = 100

/**
 * Answers `{"NAME": [...], …rest}`. A long list is encoded piece by piece as it is read, so that it holds nobody up;
 * what it shows was found in one go.
 */
export function respondItems<T>(
  c: ApiContext,
  { name, items, encode, rest }: { name: string; items: readonly T[]; encode: (item: T) => unknown; rest: object },
): Promise<Response> | Response {
  const head = `{${JSON.stringify(name)}:[`
  const tail = `],${JSON.stringify({ count: items.length, timestamp: new Date().toISOString(), ...rest }).slice(1)}`
  const piece = (from: number, to: number) => items.slice(from, to).map((item) => JSON.stringify(encode(item)))
  if (items.length <= mostAtOnce)
    return respond(c, jsonReply(Buffer.from(`${head}${piece(0, items.length).join(',')}${tail}`)))
  return new Response(streamOf(items.length, piece, { head, tail }), {
    headers: { 'content-type': 'application/json', 'cache-control': 'no-cache' },
  })
}

function streamOf(
  length: number,
  piece: (from: number, to: number) => string[],
  { head, tail }: { head: string; tail: string },
): ReadableStream<Uint8Array> {
  let next = 0
  return new ReadableStream({
    async pull(controller) {
      await setImmediate()
      const text = piece(next, next + perPiece).join(',')
      const before = next === 0 ? head : ','
      next += perPiece
      controller.enqueue(Buffer.from(`${before}${text}${next >= length ? tail : ''}`))
      if (next >= length) controller.close()
    },
  })
}
