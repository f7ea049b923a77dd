import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { WatchConfig } from '../config/watch.ts'
import type { ApiContext } from '../http/context.ts'
import { uncachedHeaders } from '../http/reply.ts'
import { respondedRaw } from '../http/respond.ts'
import type { BufferBudget, Laggard } from './buffer-budget.ts'

type CutReason = 'behind' | 'memory'

/**
 * Relays streams of events that another library makes, within the budgets of watchers.
 *
 * Such a library queues events for a client that does not read them. So they are read from it at once, and wait in the
 * response, whose length is known.
 */
export function createRelay({
  limits,
  budget,
  disconnects,
  keepAlive,
  onError,
}: {
  limits: () => WatchConfig
  budget: Pick<BufferBudget, 'hold' | 'release'>
  /** Counts the streams that were cut. */
  disconnects: Record<CutReason, number>
  /** Makes the system find a peer that is gone. */
  keepAlive: (socket: Socket) => void
  onError: (error: unknown) => void
}) {
  async function relayEvents(events: ReadableStream<Uint8Array>, response: ServerResponse): Promise<void> {
    const reader = events.getReader()
    const laggard: Laggard = { bytesBehind: () => response.writableLength, cut: () => cut('memory') }

    function cut(reason: CutReason): void {
      disconnects[reason] += 1
      response.socket?.resetAndDestroy()
    }

    response.on('drain', () => budget.release(laggard))
    response.once('close', () => {
      budget.release(laggard)
      reader.cancel().catch(onError)
    })
    for (let next = await reader.read(); !next.done && !response.destroyed; next = await reader.read()) {
      if (response.write(next.value)) continue
      if (response.writableLength > limits().max_buffer_bytes) return cut('behind')
      budget.hold(laggard, laggard, response.writableLength)
    }
    response.end()
  }

  /** Answers an admitted request with the events of a response. */
  return function relay({ env: { outgoing, cors } }: ApiContext, { status, headers, body }: Response): Response {
    if (outgoing.socket) keepAlive(outgoing.socket)
    outgoing.writeHead(status, { ...Object.fromEntries(headers), ...uncachedHeaders, ...cors })
    outgoing.flushHeaders()
    if (body) relayEvents(body, outgoing).catch(onError)
    return respondedRaw
  }
}
