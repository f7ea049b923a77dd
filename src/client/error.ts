/** What a roster says of a request it did not do (RFC 9457). */
export type Problem = {
  readonly title?: string
  readonly status?: number
  /** The stable code of the problem, such as `server_not_found`. */
  readonly code?: string
  /** What is wrong, and what to do about it. */
  readonly detail?: string
  /** The parameter that is wrong. */
  readonly parameter?: string
  readonly [member: string]: unknown
}

/**
 * A request that got no good answer.
 *
 * `status` is the HTTP status, 0 where nobody answered in time; `problem` what the roster said of it. The message is fit to be
 * shown: neither token nor query stand in it.
 */
export class RosterError extends Error {
  override name = 'RosterError'
  readonly status: number
  readonly problem: Problem | undefined
  /** The stable code of the problem, such as `server_not_found`; absent where no roster answered. */
  readonly code: string | undefined
  /** How long the roster asks to wait before the next attempt. */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    {
      status = 0,
      problem,
      retryAfterMs,
      cause,
    }: { status?: number; problem?: Problem | undefined; retryAfterMs?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause })
    this.status = status
    this.problem = problem
    this.code = problem?.code
    this.retryAfterMs = retryAfterMs
  }
}

/** Whether asking once more may help: nobody answered, or the roster has no time now. */
export function isPassing(error: unknown): error is RosterError {
  return error instanceof RosterError && (error.status === 0 || error.status === 429 || error.status >= 500)
}
