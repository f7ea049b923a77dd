import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { freeBytes } from '../flow/bytes/free-bytes.ts'
import { createGrowingBuffer } from '../flow/bytes/growing-buffer.ts'
import type { Deadline } from '../flow/deadline.ts'
import type { BodyQueue } from './body-queue.ts'
import type { ResponseHead } from './dispatch.ts'
import { errorCode } from './error-reasons.ts'
import { MalformedResponse, outboundErrorFrom } from './outbound-error.ts'
import type { Hop } from './redirects.ts'

const gunzipAsync = promisify(gunzip)

/** The complete body, decoded. Aborts as soon as it exceeds `maxBytes`, on the wire or once decoded. */
export async function readBody({ headers, body }: ResponseHead, { method }: Hop, maxBytes: number): Promise<Buffer> {
  const encoding = encodingOf(headers)
  try {
    if (!['', 'identity', 'gzip', 'x-gzip'].includes(encoding)) throw unexpectedEncoding()
    const declaredBytes = method === 'HEAD' ? 0 : Number(headers['content-length'] ?? 0)
    if (declaredBytes > maxBytes) throw tooLarge(maxBytes)
    const joined = createGrowingBuffer(declaredBytes > 0 ? { firstCapacity: declaredBytes } : {})
    for (let chunk = await body.next(); chunk; chunk = await body.next()) {
      if (joined.length() + chunk.length > maxBytes) throw tooLarge(maxBytes)
      joined.add(chunk)
      freeBytes(chunk)
    }
    const bytes = joined.take()
    return encoding.endsWith('gzip') && bytes.length > 0 ? await decompress(bytes, maxBytes) : bytes
  } finally {
    body.drop()
  }
}

async function decompress(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await gunzipAsync(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    throw errorCode(error) === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : new MalformedResponse('invalid gzip data')
  } finally {
    freeBytes(bytes)
  }
}

/** The body as it arrives. `idleMs` limits the wait for each chunk; the reader's own time does not count. */
export async function* streamBody(
  { headers, body }: ResponseHead,
  { url }: Hop,
  deadline: Deadline,
  idleMs: number,
  close: () => void,
) {
  try {
    if (!['', 'identity'].includes(encodingOf(headers))) throw unexpectedEncoding()
    for (let chunk = await body.next(); chunk; chunk = await body.next()) {
      deadline.pause()
      yield chunk
      deadline.restart(idleMs)
    }
  } catch (error) {
    throw outboundErrorFrom(url.host, error, deadline)
  } finally {
    close()
  }
}

/** Reads and discards up to `maxBytes` for up to `ms`, because only a finished response leaves a reusable connection. */
export async function drainBody(
  body: BodyQueue,
  deadline: Deadline,
  { ms, maxBytes }: { ms: number; maxBytes: number },
): Promise<void> {
  if (body.isComplete()) return
  deadline.restart(ms)
  try {
    let bytes = 0
    for (let chunk = await body.next(); chunk && bytes < maxBytes; chunk = await body.next()) bytes += chunk.length
  } catch {
    // The caller already has the status.
  }
  body.drop()
}

function encodingOf(headers: ResponseHead['headers']): string {
  return (headers['content-encoding'] ?? '').trim().toLowerCase()
}

function unexpectedEncoding(): MalformedResponse {
  return new MalformedResponse('unexpected content encoding')
}

function tooLarge(maxBytes: number): MalformedResponse {
  return new MalformedResponse(`body larger than ${maxBytes} bytes`)
}
