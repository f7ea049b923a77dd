import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { freeBytes } from '../../../flow/bytes/free-bytes.ts'
import { Problem } from '../problem.ts'

/** Maximum bytes of all responses that are made and not yet read. */
const defaultMaxTotalBytes = 64 * 1024 * 1024
/** Shorter bodies are not counted: the socket takes them at once. */
const minCountedBytes = 16 * 1024
/** A client that read nothing for so long gives way when there is no room, in ms. */
const stalledMs = 2000
/** Time after which a stream without room looks again, in ms. */
const retryMs = 100

/** What one response holds. `body`: shared by all responses that send it. */
type Held = { readonly body?: Buffer; bytes: number; since: number }

/** One piece of a body. An owned one was made for this response, and is freed once it is written. */
export type BodyPiece = { readonly bytes: Buffer; readonly isOwned: boolean }

export type ResponseBudget = ReturnType<typeof createResponseBudget>

/**
 * Bounds the memory of responses that clients have not read. One body that many responses send counts once.
 *
 * When there is no room, the clients that stopped reading are cut, the longest first; only then is a new response refused.
 */
export function createResponseBudget({
  maxTotalBytes = defaultMaxTotalBytes,
  now = () => performance.now(),
}: { maxTotalBytes?: number; now?: () => number } = {}) {
  /** In the order of their last progress. */
  const held = new Map<ServerResponse, Held>()
  const senders = new Map<Buffer, number>()
  let totalBytes = 0

  function release(outgoing: ServerResponse): void {
    const entry = held.get(outgoing)
    if (!entry) return
    held.delete(outgoing)
    const others = entry.body ? (senders.get(entry.body) ?? 1) - 1 : 0
    if (entry.body && others > 0) senders.set(entry.body, others)
    else if (entry.body) senders.delete(entry.body)
    if (others === 0) totalBytes -= entry.bytes
  }

  /** Cuts clients that stopped reading until there is room; whether there is. Alone, a body of any length has room. */
  function makeRoom(bytes: number): boolean {
    for (const [outgoing, { since }] of held) {
      if (totalBytes + bytes <= maxTotalBytes) return true
      if (now() - since < stalledMs) break
      release(outgoing)
      outgoing.destroy()
    }
    return totalBytes === 0 || totalBytes + bytes <= maxTotalBytes
  }

  /** Counts a whole body until it is sent; throws where there is no room for it. */
  function countBody(outgoing: ServerResponse, body: Buffer): void {
    if (body.length <= minCountedBytes) return
    const others = senders.get(body) ?? 0
    if (others === 0 && !makeRoom(body.length)) throw responsesExceeded()
    if (others === 0) totalBytes += body.length
    senders.set(body, others + 1)
    held.set(outgoing, { body, bytes: body.length, since: now() })
    outgoing.once('close', () => release(outgoing))
  }

  /** Writes one piece of a stream when there is room for it; resolves when the client has read enough for the next. */
  async function writePiece(
    outgoing: ServerResponse,
    { bytes, isOwned }: BodyPiece,
    signal: AbortSignal,
  ): Promise<void> {
    while (!makeRoom(bytes.length)) {
      await wait(retryMs)
      if (signal.aborted) return
    }
    totalBytes += bytes.length
    held.set(outgoing, { bytes: bytes.length, since: now() })
    try {
      if (!outgoing.write(bytes, isOwned ? () => freeBytes(bytes) : undefined)) await drained(outgoing, signal)
    } finally {
      release(outgoing)
    }
  }

  return { countBody, writePiece, totalBytes: () => totalBytes }
}

/** Resolves when the buffer of a response is empty, or `signal` aborts. */
function drained(outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      outgoing.off('drain', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    outgoing.on('drain', done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}

function responsesExceeded(): Problem {
  return new Problem('responses_exceeded', 'The responses that clients have not read are too large together; retry.', {
    headers: { 'retry-after': '1' },
  })
}

/** The budget of all responses of the process. */
export const responseBudget = createResponseBudget()
