import type { ServerResponse } from 'node:http'
import type { Laggard } from './buffer-budget.ts'
import { appended, emptySum, type TextSum } from './pieces/checksum.ts'
import type { EncodedEvents, StreamForm } from './pieces/frames.ts'
import { gzipEnd, gzipStart } from './pieces/gzip.ts'
import type { Piece } from './pieces/piece.ts'
import type { SubscriptionGroup } from './subscription-group.ts'

/** One stream of changes to one client; the head of its response is written. */
export type Watcher = StreamForm & {
  readonly response: ServerResponse
  readonly group: SubscriptionGroup
  /** Of the text written so far, where the stream is compressed, and its end where the next piece may repeat it. */
  sum: TextSum
  lastText: Buffer | undefined
  /** The revision of the client once everything written has arrived; undefined before the snapshot. */
  revision: number | undefined
  /** The client came with a token: it holds a snapshot, and deletes what an incomplete one lacks. */
  readonly isResuming: boolean
  /** The token of the client, until it is known whether this registry can resume from it. */
  from: string | undefined
  /** The events being written, and the number of their pieces already written. */
  current: EncodedEvents | undefined
  piecesWritten: number
  /** What it is to the budget of all watchers while it is blocked in the middle of events. */
  laggard: Laggard | undefined
  /** When the socket stopped accepting writes; 0 while it accepts them. */
  blockedAt: number
  /** Bytes of the events since then, besides those being written, up to this revision. */
  backlogBytes: number
  backlogRevision: number
  lastWriteAt: number
  /** 0 before the first token. */
  lastTokenAt: number
}

/** A watcher that has got nothing yet. */
export function createWatcher(stream: Pick<Watcher, 'response' | 'group' | 'format' | 'encoding' | 'from'>): Watcher {
  return {
    ...stream,
    isResuming: stream.from !== undefined,
    sum: emptySum,
    lastText: undefined,
    revision: undefined,
    current: undefined,
    laggard: undefined,
    piecesWritten: 0,
    blockedAt: 0,
    backlogBytes: 0,
    backlogRevision: 0,
    lastWriteAt: performance.now(),
    lastTokenAt: 0,
  }
}

/** Writes the head of the response and what comes before the first piece. */
export function startStream(watcher: Watcher): void {
  watcher.response.flushHeaders()
  if (watcher.encoding) writePiece(watcher, gzipStart)
}

export function endStream(watcher: Watcher): void {
  if (watcher.encoding) writePiece(watcher, gzipEnd(watcher.sum))
  watcher.response.end()
}

/**
 * Writes a piece to the socket, past the response. The response would frame it again for each client, in four parts, and
 * would delay the write to the end of the tick, after the time slice of the delivery loop was measured.
 */
export function writePiece(
  watcher: Pick<Watcher, 'response' | 'sum' | 'lastText'>,
  { bytes, chunk, sum, text }: Piece,
  onWritten?: () => void,
): boolean {
  const { response } = watcher
  if (sum) watcher.sum = appended(watcher.sum, sum)
  watcher.lastText = text
  return response.socket?.write(response.chunkedEncoding ? chunk : bytes, onWritten) ?? false
}

/** Bytes that the client of a watcher lacks. */
export function bytesBehind({ current, piecesWritten, backlogBytes }: Watcher): number {
  const unwritten = current?.pieces.slice(piecesWritten) ?? []
  return unwritten.reduce((sum, { bytes }) => sum + bytes.length, backlogBytes)
}

export function isStreaming({ response }: Watcher): boolean {
  return !response.writableEnded && !response.destroyed
}
