import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { closeLingering } from './listening/lingering-close.ts'
import { Problem } from './problem.ts'
import type { ApiContext } from './respond.ts'

/** The whole body of a request, read as it comes; longer than `most` bytes is a 413, one that stops half-way a 400. */
async function readBody(c: ApiContext, most: number): Promise<Buffer> {
  const { incoming } = c.env
  if (!incoming) return Buffer.from(await c.req.arrayBuffer())
  return readIncoming(incoming, most)
}

async function readIncoming(incoming: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > most) throw bodyTooLarge(most)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof Problem) {
      closeLingering(incoming)
      throw error
    }
    throw new Problem('body_incomplete', 'The body stopped half-way.', { cause: error })
  }
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)
}

/** The body of a request as JSON. An empty one is undefined. */
export async function readJson(c: ApiContext, most: number): Promise<unknown> {
  return jsonIn(await readBody(c, most))
}

/** What the bytes of a body say as JSON; undefined where there are none but blanks. */
export function jsonIn(bytes: Buffer): unknown {
  const text = bytes.toString()
  // What stands in place of bytes that are no text would be taken for it, in a name too.
  if (text.includes('\uFFFD') && !isUtf8(bytes)) throw new Problem('body_not_utf8', 'The body is no UTF-8 text.')
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (text.startsWith('\uFEFF')) return jsonIn(bytes.subarray(3))
    if (text.trim() === '') return undefined
    // The parser's own words may quote the body, and with it a secret.
    const [, position] = /at position (\d+)/.exec(error instanceof Error ? error.message : '') ?? []
    throw new Problem(
      'body_not_json',
      `The body is no JSON${position === undefined ? '' : `: see character ${position}`}.`,
    )
  }
}

/** Whether a body is on its way. Where there is none, the stream of a request may never tell of its end. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

export function bodyTooLarge(most: number): Problem {
  return new Problem('body_too_large', `The body is larger than ${most} bytes.`, { headers: { connection: 'close' } })
}
