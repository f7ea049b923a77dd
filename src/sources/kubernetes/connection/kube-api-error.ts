import { SourceError } from '../../../model/source.ts'

/** Maximum `Retry-After` that is honoured, in seconds. */
const maxRetryAfter = 60

const errorClasses = {
  unauthorized: 'auth',
  forbidden: 'auth',
  rejected: 'config',
  expired: 'transient',
  unavailable: 'transient',
} as const

/** A request to the API server that failed. */
export class KubeApiError extends SourceError {
  override name = 'KubeApiError'
  /**
   * `expired`: the resource version is too old. `unauthorized`: invalid credentials. `forbidden`: RBAC denies it.
   * `rejected`: another client error. `unavailable`: the server or the network failed, or the server is overloaded.
   */
  readonly kind: keyof typeof errorClasses

  /** The status of the response, if there was one. */
  readonly status: number | undefined

  constructor(
    kind: KubeApiError['kind'],
    message: string,
    { status, retry_after, cause }: { status?: number; retry_after?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, { class: errorClasses[kind], retry_after, cause })
    this.kind = kind
    this.status = status
  }
}

/** The error of a status. Omits the body, which may quote secrets. */
export function errorForStatus(status: number, action: string, retryAfter?: string | number): KubeApiError {
  const seconds = Number(retryAfter || NaN)
  const retry_after = Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, maxRetryAfter) : undefined
  if (status === 410) return new KubeApiError('expired', `${action}: resource version expired (410)`, { status })
  if (status === 401)
    return new KubeApiError('unauthorized', `${action}: the API server rejected the credentials (401)`, { status })
  if (status === 403) return new KubeApiError('forbidden', `${action}: forbidden (403)`, { status })
  if (status === 429 || status >= 500 || status < 200)
    return new KubeApiError('unavailable', `${action}: the API server answered ${status}`, { status, retry_after })
  return new KubeApiError('rejected', `${action}: the API server answered ${status}`, { status })
}

/** Any failure of a request as a `SourceError`. */
export function toSourceError(error: unknown, action: string): SourceError {
  if (error instanceof SourceError) return error
  const code = error instanceof Error ? ((error as { code?: string }).code ?? error.name) : 'unknown'
  return new KubeApiError('unavailable', `${action}: connection to the API server failed (${code})`, { cause: error })
}

/** Whether an immediate retry is pointless. */
export function isPermanent(error: unknown): boolean {
  return error instanceof KubeApiError && (error.kind === 'forbidden' || error.kind === 'rejected')
}

/** Whether access to what was listed before has been revoked. */
export function isAuthError(error: unknown): boolean {
  return error instanceof KubeApiError && error.class === 'auth'
}
