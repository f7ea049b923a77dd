import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Deadline } from '../../flow/deadline.ts'
import type { OutboundStream } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import { Problem } from '../http/problem.ts'

/** How the body of a response ended: whole, or cut by a limit, by its agent or by its caller. */
export type RelayOutcome = {
  readonly bytes: number
  readonly end: 'complete' | 'timeout' | 'too_large' | 'broken' | 'gone'
}

/** Throws for a response that announces more bytes than `maxBytes`: no part of it need be sent. */
export function assertBelowLimit({ headers }: Pick<OutboundStream, 'headers'>, maxBytes: number): void {
  if (Number(headers['content-length'] ?? 0) <= maxBytes) return
  throw new Problem('call_response_too_large', `The response of the agent is larger than ${maxBytes} bytes.`)
}

/**
 * Writes the body of a response as it arrives, as fast as the client reads it. The head is already written.
 *
 * A body that is cut ends its connection, so that no client takes it for whole. Only an event stream that ran out of time
 * ends in order, after a comment that clients of the mesh look for.
 */
export async function relayBody(
  response: OutboundStream,
  outgoing: ServerResponse,
  { maxBytes, budgetSeconds, deadline }: { maxBytes: number; budgetSeconds: number; deadline: Deadline },
): Promise<RelayOutcome> {
  let bytes = 0

  async function write(): Promise<RelayOutcome['end']> {
    for await (const chunk of response.body) {
      bytes += chunk.length
      if (bytes > maxBytes) return 'too_large'
      if (!outgoing.write(chunk)) await once(outgoing, 'drain', { signal: deadline.signal() })
    }
    return 'complete'
  }

  function endOf(error: unknown): RelayOutcome['end'] {
    const reason = deadline.abortReason()
    if (reason) return reason.name === 'TimeoutError' ? 'timeout' : 'gone'
    if (error instanceof OutboundError) return 'broken'
    throw error
  }

  const end = await write().catch(endOf)
  if (end === 'complete') outgoing.end()
  else if (end === 'timeout' && isEventStream(response) && !outgoing.writableNeedDrain)
    outgoing.end(`\n: mesh-proxy-timeout budget=${budgetSeconds}s\n\n`)
  else cut(outgoing)
  return { bytes, end }
}

/** Closes the connection so that the body counts as incomplete. Without chunks (HTTP/1.0), only a reset says so. */
function cut(outgoing: ServerResponse): void {
  if (outgoing.chunkedEncoding) outgoing.destroy()
  else outgoing.socket?.resetAndDestroy()
}

function isEventStream({ headers }: OutboundStream): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(headers['content-type'] ?? '')
}
