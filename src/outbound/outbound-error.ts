import type { Deadline } from '../flow/deadline.ts'
import type { Reason } from '../model/health.ts'
import { BlockedError, errorCode, failureReason } from './error-reasons.ts'

/** Why an exchange failed. Names the reason and the host; never repeats a body, a header or the secrets of a URL. */
export class OutboundError extends Error {
  override name = 'OutboundError'
  readonly reason: Reason

  constructor(reason: Reason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/** A response that cannot be used. The message describes the defect and repeats nothing of the response. */
export class MalformedResponse extends Error {
  override name = 'MalformedResponse'
}

const messages: Partial<Record<Reason, string>> = {
  dns: 'DNS lookup failed',
  refused: 'connection refused',
  timeout: 'timed out',
  tls: 'TLS handshake or certificate verification failed',
  protocol: 'invalid HTTP response',
}

/** Turns any failure into an `OutboundError` of fixed texts and the error's code: an error may quote the response. */
export function outboundErrorFrom(
  host: string,
  error: unknown,
  { abortReason }: Pick<Deadline, 'abortReason'>,
): OutboundError {
  if (error instanceof OutboundError) return error
  if (abortReason()) return new OutboundError('timeout', `request to ${host} failed: ${messages.timeout}`)
  if (error instanceof BlockedError) return new OutboundError('blocked', `request to ${host} blocked: ${error.message}`)
  if (error instanceof MalformedResponse)
    return new OutboundError('protocol', `response of ${host} cannot be read: ${error.message}`)
  const reason = failureReason(error)
  const code = errorCode(error)
  return new OutboundError(
    reason,
    `request to ${host} failed: ${messages[reason] ?? reason}${code ? ` (${code})` : ''}`,
  )
}
