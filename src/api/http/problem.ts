import { HTTPException } from 'hono/http-exception'
import { redactText } from '../../model/redaction/redact-text.ts'
import { STATUS_CODES } from '../../runtime/node-http.ts'

/** What a request gets instead of an answer. Its message is shown to whoever asked, so it holds no secret. */
export class Problem extends Error {
  override name = 'Problem'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Further members of the document, as RFC 9457 allows: `source`, `parameter`, the current version. */
  readonly more: Readonly<Record<string, unknown>>

  constructor(
    status: number,
    detail: string,
    {
      headers = {},
      more = {},
      cause,
    }: { headers?: Record<string, string>; more?: Record<string, unknown>; cause?: unknown } = {},
  ) {
    super(detail, { cause })
    this.status = status
    this.headers = headers
    this.more = more
  }
}

export const problemType = 'application/problem+json'

/** Whatever was thrown, as a problem. What nobody meant to be shown becomes a plain 500 that says nothing of its cause. */
export function problemFrom(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof HTTPException && error.status < 500) return new Problem(error.status, error.message)
  return new Problem(500, 'The daemon could not answer this request; its log says why.', { cause: error })
}

/** The document of RFC 9457, with `error` beside `detail` for clients of the mesh registry. */
export function problemBody({ status, message, more }: Problem, requestId?: string): string {
  const detail = redactText(message)
  return `${JSON.stringify({
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail,
    error: detail,
    timestamp: new Date().toISOString(),
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...more,
  })}\n`
}
