/**
 * Why a request failed where the roster did not say it: it cannot be reached, did not answer in time, is not asked for a while
 * after many failures, is no roster, or the token cannot be sent.
 */
export type ClientErrorCode = 'unreachable' | 'timed_out' | 'circuit_open' | 'not_a_roster' | 'invalid_token'

/** A problem document: why the roster refused a request (RFC 9457). */
export type ProblemDocument = {
  readonly title?: string
  readonly status?: number
  /** The stable code of the problem, such as `server_not_found`. */
  readonly code?: string
  /** What failed, and the remedy. */
  readonly detail?: string
  /** The invalid parameter. */
  readonly parameter?: string
  readonly [member: string]: unknown
}

/**
 * A request that failed.
 *
 * `status` is the HTTP status, or 0 where no response arrived in time. `problem` is the roster's problem document. The message
 * contains neither token nor query and can be shown.
 */
export class RosterError extends Error {
  override name = 'RosterError'
  readonly status: number
  readonly problem: ProblemDocument | undefined
  /** The stable code of the roster's problem, such as `server_not_found`, or of this library (`ClientErrorCode`). */
  readonly code: ClientErrorCode | (string & {}) | undefined
  /** Pause that the roster asks for before the next attempt, in ms. */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    {
      status = 0,
      problem,
      code = problem?.code,
      retryAfterMs,
      cause,
    }: {
      status?: number
      problem?: ProblemDocument | undefined
      code?: ClientErrorCode | (string & {}) | undefined
      retryAfterMs?: number | undefined
      cause?: unknown
    } = {},
  ) {
    super(message, { cause })
    this.status = status
    this.problem = problem
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}

/** Whether a retry may succeed: no response, a rate limit, or a server error. */
export function isTransient(error: unknown): error is RosterError {
  if (!(error instanceof RosterError) || error.code === 'invalid_token') return false
  return error.status === 0 || error.status === 429 || error.status >= 500
}
