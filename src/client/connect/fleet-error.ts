import type { ServerId } from '../../model/identity.ts'
import type { Failure } from './connection/failure.ts'

/**
 * `no_server`: no connected or connectable server offers it. `failed`: it was not carried out by any server that was tried. `unknown`: it
 * may have been carried out, and must not be repeated. `answered`: the server's answer is an error. `closed`: the fleet is closed.
 */
export type FleetErrorCode = 'no_server' | 'failed' | 'unknown' | 'answered' | 'closed'

/** A call that brought no result. Neither message nor fields contain credentials. */
export class FleetError extends Error {
  override name = 'FleetError'
  readonly code: FleetErrorCode
  /** The server of the last attempt. */
  readonly server: ServerId | undefined
  /** Number of servers that were tried. */
  readonly attempts: number
  /** HTTP status, if the server answered with one. */
  readonly status: number | undefined
  /** Pause that the server asks for, in ms. */
  readonly retryAfterMs: number | undefined
  /** The error of the protocol, where the server answered with one. */
  readonly protocol: Failure['protocol']

  constructor(
    code: FleetErrorCode,
    message: string,
    {
      server,
      attempts = 0,
      failure,
    }: { server?: ServerId | undefined; attempts?: number; failure?: Failure | undefined } = {},
  ) {
    super(message)
    this.code = code
    this.server = server
    this.attempts = attempts
    this.status = failure?.status
    this.retryAfterMs = failure?.retryAfterMs
    this.protocol = failure?.protocol
  }
}
