import { apiUrl } from '../router.ts'
import { noteDate } from './daemon-clock.ts'
import { needToken, token } from './session.ts'

/** What the daemon answers instead of a result (RFC 9457). */
export type ProblemBody = {
  readonly status: number
  readonly title: string
  readonly code: string
  readonly detail?: string
  readonly [more: string]: unknown
}

/** A request that brought no result. `code` is that of the daemon, or `unreachable`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: string
  readonly status: number
  readonly body: ProblemBody | undefined

  constructor(
    message: string,
    { code, status, body, cause }: { code: string; status: number; body?: ProblemBody | undefined; cause?: unknown },
  ) {
    super(message, { cause })
    this.code = code
    this.status = status
    this.body = body
  }
}

export type RequestOptions = {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Sent as JSON. */
  readonly body?: unknown
  /** Sent as it is, instead of a body. */
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Maximum duration, in ms. */
  readonly timeoutMs?: number
}

/**
 * Sends a request to the daemon with the token of this tab; resolves with the JSON of its answer.
 *
 * @throws {ApiError} The daemon answered with a problem, not at all, or not with JSON.
 */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return parse(await requestText(path, options)) as T
}

/** As `request`; resolves with the text of the answer. */
export async function requestText(path: string, options: RequestOptions = {}): Promise<string> {
  const { method = 'GET', body, text: sent, headers, signal, timeoutMs = 30_000 } = options
  const limit = AbortSignal.timeout(timeoutMs)
  const bearer = token.peek()
  let response: Response
  let text: string
  try {
    response = await fetch(new URL(path.replace(/^\//, ''), apiUrl), {
      method,
      cache: 'no-store',
      headers: {
        accept: 'application/json',
        ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(sent === undefined ? {} : { 'content-type': 'application/yaml' }),
        ...headers,
      },
      ...(body === undefined ? sent !== undefined && { body: sent } : { body: JSON.stringify(body) }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    })
    noteDate(response.headers.get('date'))
    text = await response.text()
  } catch (error) {
    signal?.throwIfAborted()
    const why = limit.aborted ? `no answer within ${timeoutMs / 1000} s` : 'the daemon does not answer'
    throw new ApiError(why, { code: 'unreachable', status: 0, cause: error })
  }
  if (response.ok) return text
  if (response.status === 401 && bearer === token.peek()) needToken()
  const problem = parse(text) as ProblemBody | undefined
  throw new ApiError(problem?.detail ?? problem?.title ?? `HTTP ${response.status}`, {
    code: problem?.code ?? 'http_status',
    status: response.status,
    body: problem,
  })
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
