import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Deadline } from '../flow/deadline.ts'
import type { BodyQueue } from './body-queue.ts'
import type { ResponseHead } from './dispatch.ts'
import { codeOf } from './error-reasons.ts'
import { MalformedResponse, outboundErrorFrom } from './outbound-error.ts'
import type { Hop } from './redirects.ts'

const decode = promisify(gunzip)

/** The whole body, decoded: cut off as soon as it is larger than it may be, on the wire or once unpacked. */
export async function readWhole({ headers, body }: ResponseHead, { method }: Hop, maxBytes: number): Promise<Buffer> {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  try {
    if (!['', 'identity', 'gzip', 'x-gzip'].includes(encoding))
      throw new MalformedResponse('it answers in an encoding not asked for')
    if (method !== 'HEAD' && Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
    const chunks: Buffer[] = []
    let length = 0
    for (let chunk = await body.next(); chunk; chunk = await body.next()) {
      length += chunk.length
      if (length > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk)
    }
    const wire = Buffer.concat(chunks)
    return encoding.endsWith('gzip') && length > 0 ? await unpacked(wire, maxBytes) : wire
  } finally {
    body.drop()
  }
}

async function unpacked(wire: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await decode(wire, { maxOutputLength: maxBytes })
  } catch (error) {
    throw codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : new MalformedResponse('its gzip is damaged')
  }
}

/** The body as it comes, with the longest silence there may be between two pieces. */
export async function* readPieces(
  { headers, body }: ResponseHead,
  { url }: Hop,
  deadline: Deadline,
  idleMs: number,
  close: () => void,
) {
  try {
    if (!['', 'identity'].includes((headers['content-encoding'] ?? '').trim().toLowerCase())) {
      throw new MalformedResponse('it answers in an encoding not asked for')
    }
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

/** Lets the rest of a body go by, as far as it comes in time and is no longer than `most`: only then is its connection of use again. */
export async function drain(
  body: BodyQueue,
  deadline: Deadline,
  { ms, most }: { ms: number; most: number },
): Promise<void> {
  if (body.isWhole()) return
  deadline.restart(ms)
  try {
    let passed = 0
    for (let chunk = await body.next(); chunk && passed < most; chunk = await body.next()) passed += chunk.length
  } catch {
    // Its head was the answer.
  }
  body.drop()
}

function tooLarge(maxBytes: number): MalformedResponse {
  return new MalformedResponse(`its answer is larger than ${maxBytes} bytes`)
}
