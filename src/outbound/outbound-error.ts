import type { Deadline } from '../flow/deadline.ts'
import type { Reason } from '../model/health.ts'
import { Blocked, codeOf, reasonOf } from './error-reasons.ts'

/** Why an exchange failed. Names the reason and the host; never anything of a body, a header or a URL's secrets. */
export class OutboundError extends Error {
  override name = 'DoorError'
  readonly reason: Reason

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Says of itself, without a word of the answer, what was wrong with the answer. */
export class MalformedResponse extends Error {
  override name = 'Broken'
}

const phrases: Partial<Record<Reason, string>> = {
  dns: 'its name cannot be resolved',
  refused: 'it refuses the connection',
  timeout: 'it does not answer in time',
  tls: 'its certificate or TLS is not accepted',
  protocol: 'it does not speak HTTP properly',
}

/** Only words of our own and the error's code: the error itself may hold a piece of the answer. */
export function outboundErrorFrom(host: string, error: unknown, { over }: Pick<Deadline, 'over'>): OutboundError {
  if (error instanceof OutboundError) return error
  if (over()) return new OutboundError('timeout', `${host} could not be reached: ${phrases.timeout}`)
  if (error instanceof Blocked) return new OutboundError('blocked', `${host} is not called: ${error.message}`)
  if (error instanceof MalformedResponse)
    return new OutboundError('protocol', `${host} could not be read: ${error.message}`)
  const reason = reasonOf(error)
  const code = codeOf(error)
  return new OutboundError(
    reason,
    `${host} could not be reached: ${phrases[reason] ?? reason}${code ? ` (${code})` : ''}`,
  )
}
