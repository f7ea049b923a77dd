import { redactText } from '../../model/redaction/redact-text.ts'
import { type ProblemCode, problemKinds } from './problem-codes.ts'

/** An error that a client may see: one of the problem codes with a detail. The detail holds no secret. */
export class Problem extends Error {
  override name = 'Problem'
  readonly code: ProblemCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The detail is redacted in its parts, and not again as a whole. */
  readonly isRedacted: boolean
  /** Further members of the document, as RFC 9457 allows: `source`, `parameter`, the current version. */
  readonly more: Readonly<Record<string, unknown>>

  constructor(
    code: ProblemCode,
    detail: string,
    {
      headers = {},
      more = {},
      isRedacted = false,
      cause,
    }: {
      headers?: Record<string, string>
      more?: Record<string, unknown>
      isRedacted?: boolean
      cause?: unknown
    } = {},
  ) {
    super(detail, { cause })
    this.code = code
    this.status = problemKinds[code].status
    this.headers = headers
    this.more = more
    this.isRedacted = isRedacted
  }
}

export const problemType = 'application/problem+json'

/** The error as a problem. An error of another class becomes a 500 that shows nothing of its cause. */
export function problemFrom(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem('internal_error', 'The daemon could not answer this request; its log has the cause.', {
    cause: error,
  })
}

/** The document of RFC 9457, with `error` beside `detail` for clients of the mesh registry. */
export function problemBody({ code, status, message, more, isRedacted }: Problem, requestId?: string): string {
  const detail = isRedacted ? message : redactText(message)
  return `${JSON.stringify({
    type: `urn:mcp-roster:problem:${code}`,
    title: problemKinds[code].title,
    status,
    code,
    detail,
    error: detail,
    timestamp: new Date().toISOString(),
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...more,
  })}\n`
}
