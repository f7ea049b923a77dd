import { freeBytes } from '../../flow/bytes/free-bytes.ts'
import type { ChangeLog } from '../../registry/change-log.ts'
import type { BufferBudget } from './buffer-budget.ts'
import { controlMessage, type EncodedEvents, pending, textPiece } from './pieces/frames.ts'
import { expired } from './subscription-group.ts'
import { bytesBehind, endStream, isStreaming, type Watcher, writePiece } from './watcher.ts'

export type DisconnectReason = 'behind' | 'stalled' | 'memory' | 'shutdown'

const reasonTexts: Record<DisconnectReason, string> = {
  behind: 'behind: more events wait than the watch buffer holds; resume from the last token',
  stalled: 'stalled: the client read nothing for too long; resume from the last token',
  memory: 'memory: all slow clients together hold more than the registry may buffer; resume from the last token',
  shutdown: 'shutdown: the registry is shutting down; resume from the last token',
}

/** A comment of server-sent events; it keeps a quiet connection alive. */
const comment = ':\n\n'

/** Time for a disconnected client to read the reason before its connection is reset. */
const graceMs = 5000

/**
 * Writes to each watcher the events that it lacks, at the pace at which it reads.
 *
 * Watchers have no queues: unsent events stay in the change log, which all share. A watcher that reads slowly is waited for
 * while its backlog stays below `maxBufferBytes`.
 */
export function createDelivery({
  newest,
  tokenOf,
  revisionOf,
  maxBufferBytes,
  budget,
  stallMs,
  isComplete,
  onDisconnect,
  now = performance.now.bind(performance),
}: {
  newest: () => number
  tokenOf: (revision: number) => string
  revisionOf: ChangeLog['revisionOf']
  maxBufferBytes: () => number
  budget: Pick<BufferBudget, 'hold' | 'release'>
  stallMs: number
  /** Whether every source has been read since the start, so that a snapshot is complete. */
  isComplete: () => boolean
  onDisconnect: (watcher: Watcher) => void
  now?: () => number
}) {
  const disconnects: Record<DisconnectReason, number> = { behind: 0, stalled: 0, memory: 0, shutdown: 0 }

  /** Writes until the watcher is at the newest revision, is blocked, or waits for encoding. */
  function deliver(watcher: Watcher): void {
    for (;;) {
      if (watcher.blockedAt > 0) return measureBacklog(watcher)
      if (watcher.current && !write(watcher, watcher.current)) return
      if (watcher.from !== undefined) resume(watcher, watcher.from)
      if (watcher.revision === undefined && watcher.isResuming && !isComplete()) return
      if (watcher.revision === newest()) return
      const next =
        watcher.revision === undefined
          ? watcher.group.snapshot(watcher)
          : watcher.group.after(watcher.revision, watcher, watcher.lastText)
      if (next === pending) return
      if (next === expired) resync(watcher, 'expired: the changes after the token are no longer held')
      else watcher.current = next
    }
  }

  /** Continues from the token of the client, or says why that is impossible: a registry may still come to the state of the token. */
  function resume(watcher: Watcher, from: string): void {
    const revision = revisionOf(from)
    if (typeof revision !== 'number' && !isComplete()) return
    watcher.from = undefined
    if (typeof revision === 'number') watcher.revision = revision
    else resync(watcher, revision.reason)
  }

  /** Tells the client to discard its state; a snapshot follows. */
  function resync(watcher: Watcher, reason: string): void {
    const piece = watcher.group.resync(watcher, reason)
    watcher.revision = undefined
    if (!writePiece(watcher, piece)) block(watcher)
  }

  /** Whether all of the events are written. */
  function write(watcher: Watcher, events: EncodedEvents): boolean {
    if (events.pieces.length > 0) watcher.lastWriteAt = watcher.lastTokenAt = now()
    while (watcher.piecesWritten < events.pieces.length) {
      const piece = events.pieces[watcher.piecesWritten]
      watcher.piecesWritten += 1
      if (piece && !writePiece(watcher, piece, events.isOwned ? () => freeBytes(piece.chunk) : undefined)) {
        block(watcher)
        if (watcher.piecesWritten < events.pieces.length) return false
      }
    }
    watcher.revision = events.revision
    watcher.current = undefined
    watcher.piecesWritten = 0
    return true
  }

  function block(watcher: Watcher): void {
    watcher.blockedAt = now()
    watcher.backlogBytes = 0
    watcher.backlogRevision = watcher.current?.revision ?? watcher.revision ?? newest()
    if (watcher.current) hold(watcher, watcher.current)
    watcher.response.socket?.once('drain', () => {
      watcher.blockedAt = 0
      release(watcher)
      if (isStreaming(watcher)) deliver(watcher)
    })
  }

  /** The events stay in memory until the client has read them. */
  function hold(watcher: Watcher, events: EncodedEvents): void {
    watcher.laggard = { bytesBehind: () => bytesBehind(watcher), cut: () => disconnect(watcher, 'memory') }
    budget.hold(watcher.laggard, events, events.bytes)
  }

  function release(watcher: Watcher): void {
    if (watcher.laggard) budget.release(watcher.laggard)
    watcher.laggard = undefined
  }

  /** Adds up the events since the watcher was blocked. The batch or snapshot being written does not count. */
  function measureBacklog(watcher: Watcher): void {
    while (watcher.backlogRevision < newest()) {
      const next = watcher.group.after(watcher.backlogRevision, watcher)
      if (next === pending) return
      if (next === expired) return disconnect(watcher, 'behind')
      watcher.backlogBytes += next.bytes
      watcher.backlogRevision = next.revision
      if (watcher.backlogBytes > maxBufferBytes()) return disconnect(watcher, 'behind')
    }
  }

  /**
   * Keeps a quiet watcher alive: by a comment, or by a bookmark where its last token is old. Disconnects a stalled one.
   *
   * One that resumed and missed nothing gets its bookmark at once: it says so.
   */
  function keepAlive(watcher: Watcher, { heartbeatMs, bookmarkMs }: { heartbeatMs: number; bookmarkMs: number }): void {
    const at = now()
    if (watcher.blockedAt > 0) {
      if (at - watcher.blockedAt > stallMs) disconnect(watcher, 'stalled')
      return
    }
    const { format, revision, lastTokenAt } = watcher
    const isUntold = lastTokenAt === 0 && revision !== undefined
    if ((at - watcher.lastWriteAt < heartbeatMs && !isUntold) || watcher.current) return
    const isDue = isUntold || format === 'lines' || at - lastTokenAt > bookmarkMs - heartbeatMs
    // A bookmark follows every event up to its token.
    const isBookmark = isDue && revision !== undefined && revision === newest()
    if (!isBookmark && format === 'lines') return
    watcher.lastWriteAt = at
    if (isBookmark) watcher.lastTokenAt = at
    const piece = isBookmark
      ? controlMessage(watcher, 'BOOKMARK', { token: tokenOf(revision) })
      : textPiece(watcher, comment)
    if (!writePiece(watcher, piece)) block(watcher)
  }

  /** Ends a watcher with a reason, and resets the connection where the client does not read the reason in time. */
  function disconnect(watcher: Watcher, reason: DisconnectReason): void {
    disconnects[reason] += 1
    onDisconnect(watcher)
    release(watcher)
    watcher.current = undefined
    const { response, format } = watcher
    // It reads too slowly to be told why while its memory is needed.
    if (reason === 'memory') return void response.socket?.resetAndDestroy()
    writePiece(watcher, controlMessage(watcher, 'CLOSED', { reason: reasonTexts[reason] }))
    if (reason === 'shutdown' && format === 'sse') writePiece(watcher, textPiece(watcher, ': goodbye\n\n'))
    endStream(watcher)
    const { socket } = response
    const timer = setTimeout(() => socket?.resetAndDestroy(), graceMs).unref()
    response.on('close', () => clearTimeout(timer))
  }

  return { deliver, keepAlive, disconnect, release, disconnects }
}
