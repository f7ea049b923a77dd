import { SourceError } from '../../../model/source.ts'

/** How a request ended that did not bring what it should. */
export class KubeApiError extends SourceError {
  override name = 'ApiError'
  /**
   * `gone`: the version asked for is too old. `unauthorized`: who are you. `forbidden`: not you. `refused`: it cannot
   * be asked that way. `broken`: the server, or the way to it, is at fault or busy.
   */
  readonly fault: 'gone' | 'unauthorized' | 'forbidden' | 'refused' | 'broken'

  /** What the server answered, if it did. */
  readonly status: number | undefined

  constructor(
    fault: KubeApiError['fault'],
    message: string,
    { status, retry_after, cause }: { status?: number; retry_after?: number | undefined; cause?: unknown } = {},
  ) {
    const classes = {
      unauthorized: 'auth',
      forbidden: 'auth',
      refused: 'config',
      gone: 'transient',
      broken: 'transient',
    } as const
    super(message, { class: classes[fault], retry_after, cause })
    this.fault = fault
    this.status = status
  }
}

/** What a status means, told without a word of the body: it is not ours to repeat. */
export function errorForStatus(status: number, what: string, retryAfter?: string | number): KubeApiError {
  const seconds = Number(retryAfter || NaN)
  const retry_after = Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds, 60) : undefined
  if (status === 410) return new KubeApiError('gone', `${what}: the version asked for is too old`, { status })
  if (status === 401)
    return new KubeApiError('unauthorized', `${what}: the API server does not know these credentials (401)`, { status })
  if (status === 403)
    return new KubeApiError(
      'forbidden',
      `${what}: forbidden (403); grant get, list and watch on them to the service account`,
    )
  if (status === 429 || status >= 500 || status < 200)
    return new KubeApiError('broken', `${what}: the API server answered ${status}`, { status, retry_after })
  return new KubeApiError('refused', `${what}: the API server answered ${status}`, { status })
}

export function toSourceError(error: unknown, what: string): SourceError {
  if (error instanceof SourceError) return error
  const code = error instanceof Error ? ((error as { code?: string }).code ?? error.name) : 'unknown'
  return new KubeApiError('broken', `${what}: the connection to the API server failed (${code})`, { cause: error })
}

/** Asking again soon does not help. */
export function isPermanent(error: unknown): boolean {
  return error instanceof KubeApiError && (error.fault === 'forbidden' || error.fault === 'refused')
}

/** What was seen may no longer be seen. */
export function isAuthError(error: unknown): boolean {
  return error instanceof KubeApiError && error.class === 'auth'
}
