import type { ServerResponse } from 'node:http'
import type { ChangeLog } from '../../registry/change-log.ts'
import { Problem } from '../http/problem.ts'
import { jsonReply, problemReply, type Reply } from '../http/reply.ts'
import type { Piece } from './frames.ts'
import { type SubscriptionGroup, lost, making } from './subscription-group.ts'

type Asked = {
  readonly response: ServerResponse
  readonly audience: SubscriptionGroup
  readonly index: string
  readonly waitMs: number
  readonly answer: (reply: Reply) => void
}

type Poll = Asked & { revision: number }

const fresh = { headers: { 'cache-control': 'no-store' } }

/** Long polls: each is answered once, with what followed its token, as soon as there is any. */
export function createPolls({ journal }: { journal: Pick<ChangeLog, 'revisionOf' | 'newest' | 'tokenOf'> }) {
  const polls = new Set<Poll>()
  const timers = new Map<Poll, NodeJS.Timeout>()

  function open(asked: Asked): void {
    const revision = journal.revisionOf(asked.index)
    if (typeof revision !== 'number') return asked.answer(goneReply(revision.reason))
    const poll: Poll = { ...asked, revision }
    polls.add(poll)
    asked.response.once('close', () => leave(poll))
    timers.set(
      poll,
      setTimeout(() => finish(poll, []), asked.waitMs),
    )
    deliver(poll)
  }

  /** Answers where something has followed what the poll knows. */
  function deliver(poll: Poll): void {
    while (polls.has(poll) && poll.revision < journal.newest()) {
      const next = poll.audience.after(poll.revision, 'array')
      if (next === making) return
      if (next === lost) {
        leave(poll)
        return poll.answer(goneReply('expired: what followed the token is forgotten'))
      }
      poll.revision = next.revision
      if (next.bytes > 0) finish(poll, next.pieces)
    }
  }

  function finish(poll: Poll, events: readonly Piece[]): void {
    leave(poll)
    // The events come each after a comma; the first has none before it.
    const [first, ...others] = events.map(({ bytes }) => bytes)
    const rest = `],"resource_version":${JSON.stringify(journal.tokenOf(poll.revision))}}`
    const body = [Buffer.from('{"events":['), ...(first ? [first.subarray(1), ...others] : []), Buffer.from(rest)]
    poll.answer(jsonReply(Buffer.concat(body), fresh))
  }

  function leave(poll: Poll): void {
    clearTimeout(timers.get(poll))
    timers.delete(poll)
    polls.delete(poll)
  }

  function close(): void {
    for (const poll of polls) finish(poll, [])
  }

  return { open, deliver, close, all: (): Iterable<Poll> => polls, size: () => polls.size }
}

function goneReply(reason: string): Reply {
  return problemReply(
    new Problem(
      'index_expired',
      `There is no going on from this index (${reason}). Ask for the list again, and go on from there.`,
      {
        more: { parameter: 'index', reason },
      },
    ),
  )
}
