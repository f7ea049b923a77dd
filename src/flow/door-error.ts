import type { Reason } from '../model/health.ts'
import type { Deadline } from './deadline.ts'
import { Blocked, codeOf, reasonOf } from './reasons.ts'

/** Why an exchange failed. Names the reason and the host; never anything of a body, a header or a URL's secrets. */
export class DoorError extends Error {
  override name = 'DoorError'
  readonly reason: Reason

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** Says of itself, without a word of the answer, what was wrong with the answer. */
export class Broken extends Error {
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
export function failure(host: string, error: unknown, { over }: Pick<Deadline, 'over'>): DoorError {
  if (error instanceof DoorError) return error
  if (over()) return new DoorError('timeout', `${host} could not be reached: ${phrases.timeout}`)
  if (error instanceof Blocked) return new DoorError('blocked', `${host} is not called: ${error.message}`)
  if (error instanceof Broken) return new DoorError('protocol', `${host} could not be read: ${error.message}`)
  const reason = reasonOf(error)
  const code = codeOf(error)
  return new DoorError(reason, `${host} could not be reached: ${phrases[reason] ?? reason}${code ? ` (${code})` : ''}`)
}
