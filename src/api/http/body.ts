import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { ApiContext } from './context.ts'
import { closeLingering } from './listening/lingering-close.ts'
import { Problem } from './problem.ts'

const noBytes = Buffer.alloc(0)

/**
 * Reads the whole body of a request and calls `done` once; `fail` instead, with a 413, for more than `maxBytes`, and with
 * a 400 for a body that stops half-way.
 *
 * By events: an async iterator would cost a third of the rate of heartbeats.
 */
export function receiveBody(
  incoming: IncomingMessage,
  maxBytes: number,
  { done, fail }: { done: (bytes: Buffer) => void; fail: (problem: Problem) => void },
): void {
  if (!hasBody(incoming)) return done(noBytes)
  const chunks: Buffer[] = []
  let length = 0
  const collect = (chunk: Buffer) => {
    length += chunk.length
    if (length <= maxBytes) {
      chunks.push(chunk)
      return
    }
    incoming.off('data', collect)
    incoming.off('end', finish)
    closeLingering(incoming)
    fail(bodyTooLarge(maxBytes))
  }
  const finish = () => done(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
  incoming.on('data', collect)
  incoming.on('end', finish)
  incoming.on('error', (cause) => fail(new Problem('body_incomplete', 'The request body is incomplete.', { cause })))
}

/** Reads the body of a request as JSON; undefined for an empty one. */
export function readJson({ env: { incoming } }: ApiContext, maxBytes: number): Promise<unknown> {
  return new Promise<Buffer>((done, fail) => receiveBody(incoming, maxBytes, { done, fail })).then(takeJson)
}

/**
 * Parses the bytes of a body that nothing else needs, and frees their memory at once. As garbage they would wait for a full
 * collection: a burst of registrations left 23 MB of them, and the process never gave that memory back.
 */
export function takeJson(bytes: Buffer): unknown {
  try {
    return parseJson(bytes)
  } finally {
    const { buffer, length } = bytes
    if (length > 0 && buffer.byteLength === length && buffer instanceof ArrayBuffer) buffer.transfer(0)
  }
}

/** Parses the bytes of a body as JSON; undefined for an empty or blank one. */
export function parseJson(bytes: Buffer): unknown {
  const text = bytes.toString()
  // Decoding replaces invalid bytes, also in a name: such a body is rejected.
  if (text.includes('\uFFFD') && !isUtf8(bytes))
    throw new Problem('body_not_utf8', 'The request body is not valid UTF-8.')
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    if (text.startsWith('\uFEFF')) return parseJson(bytes.subarray(3))
    if (text.trim() === '') return undefined
    // The message of the parser may quote the body, and with it a secret.
    const [, position] = /at position (\d+)/.exec(error instanceof Error ? error.message : '') ?? []
    throw new Problem(
      'body_not_json',
      `The request body is not valid JSON${position === undefined ? '' : ` at character ${position}`}.`,
    )
  }
}

/** Whether a request has a body. Without one, its stream may never emit `end`. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

export function bodyTooLarge(maxBytes: number): Problem {
  return new Problem('body_too_large', `The request body is larger than ${maxBytes} bytes.`, {
    headers: { connection: 'close' },
  })
}
