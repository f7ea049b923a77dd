import { randomUUID } from 'node:crypto'
import type { Log } from '../../log.ts'
import { problemFrom } from './problem.ts'
import { problemReply, type Reply } from './reply.ts'

/** What whoever asked is told of an error. A fault of ours goes to the log, under an id that the answer names. */
export function replyToError(error: unknown, { log, path }: { log: Pick<Log, 'error'>; path: string }): Reply {
  const problem = problemFrom(error)
  if (problem.status !== 500) return problemReply(problem)
  const requestId = randomUUID()
  log.error({ err: problem.cause ?? problem, request_id: requestId, path }, 'request failed')
  return problemReply(problem, requestId)
}
