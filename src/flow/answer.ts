import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import type { Dispatcher } from 'undici'
import type { Deadline } from './deadline.ts'
import { Broken, failure } from './door-error.ts'
import type { Hop } from './hop.ts'
import { codeOf } from './reasons.ts'

/** An answer whose head has been read. */
export type Answer = { status: number; headers: Record<string, string>; body: Dispatcher.ResponseData['body'] }

const decode = promisify(gunzip)

export function answerOf({ statusCode, headers, body }: Dispatcher.ResponseData): Answer {
  // Whoever waits hears of an error by its promise; without a listener the event would end the process.
  body.on('error', () => undefined)
  const flat = Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value])
  return { status: statusCode, headers: Object.fromEntries(flat) as Record<string, string>, body }
}

/** The whole body, decoded: cut off as soon as it is larger than it may be, on the wire or once unpacked. */
export async function whole({ headers, body }: Answer, { method }: Hop, maxBytes: number): Promise<Buffer> {
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase()
  try {
    if (!['', 'identity', 'gzip', 'x-gzip'].includes(encoding))
      throw new Broken('it answers in an encoding not asked for')
    if (method !== 'HEAD' && Number(headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
    const chunks: Buffer[] = []
    let length = 0
    for await (const chunk of body) {
      length += (chunk as Buffer).length
      if (length > maxBytes) throw tooLarge(maxBytes)
      chunks.push(chunk as Buffer)
    }
    const wire = Buffer.concat(chunks)
    return encoding.endsWith('gzip') && length > 0 ? await unpacked(wire, maxBytes) : wire
  } finally {
    body.destroy()
  }
}

async function unpacked(wire: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await decode(wire, { maxOutputLength: maxBytes })
  } catch (error) {
    throw codeOf(error) === 'ERR_BUFFER_TOO_LARGE' ? tooLarge(maxBytes) : new Broken('its gzip is damaged')
  }
}

/** The body as it comes, with the longest silence there may be between two pieces. */
export async function* pieces(
  { headers, body }: Answer,
  { url }: Hop,
  deadline: Deadline,
  idleMs: number,
  close: () => void,
) {
  try {
    if (!['', 'identity'].includes((headers['content-encoding'] ?? '').trim().toLowerCase())) {
      throw new Broken('it answers in an encoding not asked for')
    }
    for await (const chunk of body) {
      deadline.pause()
      yield chunk as Buffer
      deadline.restart(idleMs)
    }
  } catch (error) {
    throw failure(url.host, error, deadline)
  } finally {
    close()
  }
}

function tooLarge(maxBytes: number): Broken {
  return new Broken(`its answer is larger than ${maxBytes} bytes`)
}
