import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { freeBytes } from '../../flow/bytes/free-bytes.ts'
import { type BodyBuffer, bodyBuffers } from './body-buffer.ts'
import type { ApiContext, Bindings } from './context.ts'
import { closeLingering } from './listening/lingering-close.ts'
import { Problem } from './problem.ts'

const noBytes = Buffer.alloc(0)

/**
 * Reads the whole body of a request and calls `done` once; else `fail`: with a 413 for more than `maxBytes` or for tiny
 * chunks, with a 503 where all bodies in flight are too long together, and with a 400 for a body that stops half-way.
 *
 * By events: an async iterator would cost a third of the rate of heartbeats.
 */
export function receiveBody(
  incoming: IncomingMessage,
  maxBytes: number,
  { done, fail }: { done: (bytes: Buffer) => void; fail: (problem: Problem) => void },
): void {
  if (!hasBody(incoming)) return done(noBytes)
  const declared = Number(incoming.headers['content-length'])
  // Most bodies come whole. Only such a piece is kept as it is: it shares the memory of what the socket has read.
  let whole: Buffer | undefined
  let buffer: BodyBuffer | undefined

  function collect(piece: Buffer): void {
    if (piece.length === declared && piece.length <= maxBytes) return void (whole = piece)
    if ((buffer?.length() ?? 0) + piece.length > maxBytes || declared > maxBytes) return reject(bodyTooLarge(maxBytes))
    buffer ??= bodyBuffers.open(declared, () => reject(bodiesExceeded()))
    if (!buffer.add(piece)) reject(bodyFragmented())
  }

  function finish(): void {
    done(whole ?? buffer?.close() ?? noBytes)
  }

  function reject(problem: Problem): void {
    incoming.off('data', collect)
    incoming.off('end', finish)
    buffer?.discard()
    closeLingering(incoming)
    fail(problem)
  }

  incoming.on('data', collect)
  incoming.on('end', finish)
  incoming.on('error', (cause) => {
    buffer?.discard()
    fail(new Problem('body_incomplete', 'The request body is incomplete.', { cause }))
  })
}

/** Reads the body of a request as JSON; undefined for an empty one. */
export async function readJson(c: ApiContext, maxBytes: number): Promise<unknown> {
  return takeJson(await receiveBytes(c, maxBytes))
}

/** Reads the body of a request, whole. */
export function receiveBytes({ env: { incoming } }: ApiContext, maxBytes: number): Promise<Buffer> {
  return new Promise((done, fail) => receiveBody(incoming, maxBytes, { done, fail }))
}

/** Parses the bytes of a body that nothing else needs, and frees them. */
export function takeJson(bytes: Buffer): unknown {
  try {
    return parseJson(bytes)
  } finally {
    freeBytes(bytes)
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

/** Closes the connection after the response where the body of the request has not arrived. It is not waited for. */
export function abandonBody({ incoming, outgoing }: Pick<Bindings, 'incoming' | 'outgoing'>): void {
  if (!hasBody(incoming) || incoming.complete) return
  outgoing.shouldKeepAlive = false
  closeLingering(incoming)
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

function bodyFragmented(): Problem {
  return new Problem('body_fragmented', 'The request body came in too many small pieces; send it in larger ones.', {
    headers: { connection: 'close' },
  })
}

function bodiesExceeded(): Problem {
  return new Problem('bodies_exceeded', 'The request bodies in flight are too large together; retry.', {
    headers: { connection: 'close', 'retry-after': '1' },
  })
}
