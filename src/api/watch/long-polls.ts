import type { ServerResponse } from 'node:http'
import type { ChangeLog } from '../../registry/change-log.ts'
import { Problem } from '../http/problem.ts'
import { jsonReply, problemReply, type Reply } from '../http/reply.ts'
import { type EncodedEvents, pending, type StreamForm } from './pieces/frames.ts'
import type { Piece } from './pieces/piece.ts'
import { expired, type SubscriptionGroup } from './subscription-group.ts'

type PollRequest = {
  readonly response: ServerResponse
  readonly group: SubscriptionGroup
  readonly index: string
  readonly waitMs: number
  readonly answer: (reply: Reply) => void
}

type Poll = PollRequest & { revision: number }

/** The whole answer is compressed, not its events. */
const form: StreamForm = { format: 'array', encoding: null }

const uncached = { headers: { 'cache-control': 'no-store' } }

/** Long polls: each is answered once, with the events after its token, as soon as there are any. */
export function createLongPolls({ changeLog }: { changeLog: Pick<ChangeLog, 'revisionOf' | 'newest' | 'tokenOf'> }) {
  const polls = new Set<Poll>()
  const timers = new Map<Poll, NodeJS.Timeout>()
  /** Replies with events, so that polls of one selection share the bytes which their clients have not read. */
  const replies = new WeakMap<EncodedEvents, Reply>()

  function open(request: PollRequest): void {
    const revision = changeLog.revisionOf(request.index)
    if (typeof revision !== 'number') return request.answer(expiredReply(revision.reason))
    const poll: Poll = { ...request, revision }
    polls.add(poll)
    request.response.once('close', () => remove(poll))
    timers.set(
      poll,
      setTimeout(() => finish(poll), request.waitMs),
    )
    deliver(poll)
  }

  /** Answers a poll where events follow its revision. */
  function deliver(poll: Poll): void {
    while (polls.has(poll) && poll.revision < changeLog.newest()) {
      const next = poll.group.after(poll.revision, form)
      if (next === pending) return
      if (next === expired) {
        remove(poll)
        return poll.answer(expiredReply('expired: the changes after the token are no longer held'))
      }
      poll.revision = next.revision
      if (next.bytes > 0) finish(poll, next)
    }
  }

  function finish(poll: Poll, events?: EncodedEvents): void {
    remove(poll)
    const reply = (events && replies.get(events)) ?? replyWith(events?.pieces ?? [], poll.revision)
    if (events) replies.set(events, reply)
    poll.answer(reply)
  }

  function replyWith(pieces: readonly Piece[], revision: number): Reply {
    // Each event has a comma before it, which the first one loses here.
    const [first, ...others] = pieces.map(({ bytes }) => bytes)
    const end = `],"resource_version":${JSON.stringify(changeLog.tokenOf(revision))}}`
    const body = [Buffer.from('{"events":['), ...(first ? [first.subarray(1), ...others] : []), Buffer.from(end)]
    return jsonReply(Buffer.concat(body), uncached)
  }

  function remove(poll: Poll): void {
    clearTimeout(timers.get(poll))
    timers.delete(poll)
    polls.delete(poll)
  }

  function close(): void {
    for (const poll of polls) finish(poll)
  }

  return { open, deliver, close, all: (): Iterable<Poll> => polls, size: () => polls.size }
}

function expiredReply(reason: string): Reply {
  return problemReply(
    new Problem('index_expired', `The index cannot be resumed (${reason}). List again and poll from the new index.`, {
      headers: { 'retry-after': '1' },
      more: { parameter: 'index', reason },
    }),
  )
}
