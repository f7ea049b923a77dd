import type { ServerResponse } from 'node:http'
import { type StreamFormat, type Made, message, type Piece, pieceOf } from './frames.ts'
import { type SubscriptionGroup, lost, making } from './subscription-group.ts'

/** One stream of changes to one reader; the head of its response is written. */
export type Watcher = {
  readonly response: ServerResponse
  readonly audience: SubscriptionGroup
  readonly format: StreamFormat
  /** What the reader knows once all that was written has arrived; undefined before the picture. */
  revision: number | undefined
  /** Came with a token: it has a picture already, and takes what a poorer one lacks for gone. */
  readonly returns: boolean
  /** What is being written, and how much of it has been. */
  sending: Made | undefined
  written: number
  /** Since when the reader takes no more; 0 while it does. */
  blockedAt: number
  /** What has been waiting since, beside what is being written: so many bytes, up to this revision. */
  debt: number
  counted: number
  /** When something was written last, and when a token was. */
  touchedAt: number
  toldAt: number
}

export type CloseReason = 'behind' | 'stalled' | 'shutdown'

const reasons: Record<CloseReason, string> = {
  behind: 'behind: more changes are waiting than this reader may let wait; resume from the last token',
  stalled: 'stalled: nothing was read for too long; resume from the last token',
  shutdown: 'shutdown: the registry is going down; resume from the last token',
}

/** Says nothing, and that we are there. */
const comment = pieceOf(':\n\n')

/** How long a reader that was cut may take to read why, before its connection is reset. */
const graceMs = 5000

export type Watchers = ReturnType<typeof createWatchers>

/**
 * Writes to each watcher what it does not know yet, at the pace at which it reads.
 *
 * A reader that takes no more is waited for while what has to wait for it stays under the budget. It never has a queue of
 * its own: what it has not been sent lies in the journal, shared by all.
 */
export function createWatchers({
  newest,
  tokenOf,
  bufferBytes,
  stallMs,
  complete,
  onGone,
  now = performance.now.bind(performance),
}: {
  newest: () => number
  tokenOf: (revision: number) => string
  bufferBytes: () => number
  stallMs: number
  /** Whether all there is can be known yet: not so soon after a start. */
  complete: () => boolean
  onGone: (watcher: Watcher) => void
  now?: () => number
}) {
  const cuts: Record<CloseReason, number> = { behind: 0, stalled: 0, shutdown: 0 }

  /** Brings a watcher as far as it can be brought now. */
  function deliver(watcher: Watcher): void {
    for (;;) {
      if (watcher.blockedAt > 0) return countDebt(watcher)
      if (watcher.sending && !write(watcher, watcher.sending)) return
      if (watcher.revision === newest()) return
      if (watcher.revision === undefined && watcher.returns && !complete()) return
      const next =
        watcher.revision === undefined
          ? watcher.audience.picture(watcher.format)
          : watcher.audience.after(watcher.revision, watcher.format)
      if (next === making) return
      if (next === lost) startOver(watcher, 'expired: what followed is forgotten')
      else watcher.sending = next
    }
  }

  /** Tells the reader to forget what it has; the picture follows. */
  function startOver(watcher: Watcher, reason: string): void {
    const piece = watcher.audience.resync(watcher.format, reason)
    watcher.revision = undefined
    if (!push(watcher, piece)) block(watcher)
  }

  /** Whether all of it is written. */
  function write(watcher: Watcher, made: Made): boolean {
    if (made.pieces.length > 0) watcher.touchedAt = watcher.toldAt = now()
    while (watcher.written < made.pieces.length) {
      const piece = made.pieces[watcher.written]
      watcher.written += 1
      if (piece && !push(watcher, piece)) {
        block(watcher)
        if (watcher.written < made.pieces.length) return false
      }
    }
    watcher.revision = made.revision
    watcher.sending = undefined
    watcher.written = 0
    return true
  }

  function block(watcher: Watcher): void {
    watcher.blockedAt = now()
    watcher.debt = 0
    watcher.counted = watcher.sending?.revision ?? watcher.revision ?? newest()
    watcher.response.socket?.once('drain', () => {
      watcher.blockedAt = 0
      if (isOpen(watcher)) deliver(watcher)
    })
  }

  /** A long batch or a picture that we push ourselves is no debt; what happens while it is read is. */
  function countDebt(watcher: Watcher): void {
    while (watcher.counted < newest()) {
      const next = watcher.audience.after(watcher.counted, watcher.format)
      if (next === making) return
      if (next === lost) return cut(watcher, 'behind')
      watcher.debt += next.bytes
      watcher.counted = next.revision
      if (watcher.debt > bufferBytes()) return cut(watcher, 'behind')
    }
  }

  /** Keeps a quiet watcher alive: a comment, or a bookmark where its token has grown old. */
  function beat(watcher: Watcher, { heartbeatMs, bookmarkMs }: { heartbeatMs: number; bookmarkMs: number }): void {
    const at = now()
    if (watcher.blockedAt > 0) {
      if (at - watcher.blockedAt > stallMs) cut(watcher, 'stalled')
      return
    }
    if (at - watcher.touchedAt < heartbeatMs || watcher.sending) return
    const { format, revision } = watcher
    const isOld = format === 'lines' || at - watcher.toldAt > bookmarkMs - heartbeatMs
    // Not before everything up to it is written.
    const marks = isOld && revision !== undefined && revision === newest()
    if (!marks && format === 'lines') return
    watcher.touchedAt = at
    if (marks) watcher.toldAt = at
    const piece = marks ? message(format, 'BOOKMARK', { token: tokenOf(revision) }) : comment
    if (!push(watcher, piece)) block(watcher)
  }

  /** Ends a watcher with its reason, and resets the connection where that is not read either. */
  function cut(watcher: Watcher, why: CloseReason): void {
    cuts[why] += 1
    onGone(watcher)
    const { response, format } = watcher
    push(watcher, message(format, 'CLOSED', { reason: reasons[why] }))
    response.end(why === 'shutdown' && format === 'sse' ? ': goodbye\n\n' : undefined)
    const { socket } = response
    const timer = setTimeout(() => socket?.resetAndDestroy(), graceMs).unref()
    response.on('close', () => clearTimeout(timer))
  }

  return { deliver, startOver, beat, cut, cuts }
}

/**
 * Hands a piece to the connection itself: a response would frame it anew for each reader, in four parts, and put it off
 * to the end of the tick, when thousands of writes happen at once after whoever counted the time has stopped counting.
 */
export function push({ response }: Pick<Watcher, 'response'>, { bytes, chunk }: Piece): boolean {
  return response.socket?.write(response.chunkedEncoding ? chunk : bytes) ?? false
}

function isOpen({ response }: Watcher): boolean {
  return !response.writableEnded && !response.destroyed
}
