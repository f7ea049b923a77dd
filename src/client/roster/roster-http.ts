import { createCancellation, createWatchdog } from './cancellation.ts'
import { type ProblemDocument, RosterError } from './error.ts'

/** Address of a roster, credentials and time limits. */
export type ConnectOptions = {
  /** `http://localhost:8000`; behind a gateway, with the path prefix of the API. A password in it is used as the token. */
  readonly url: string | URL
  /** A bearer token, or a function that returns one for each request (tokens in files and clouds rotate). */
  readonly token?: string | undefined | (() => string | undefined | Promise<string | undefined>)
  /** Replaces the built-in `fetch`: for a proxy, a certificate authority or a test. */
  readonly fetch?: typeof fetch
  /** Maximum duration of a request, in ms (default 30 s). */
  readonly timeoutMs?: number
  /** Maximum silence of a watch before it reconnects, in ms (default 60 s; a roster sends a keep-alive every 15 s). */
  readonly quietMs?: number
  /** Maximum pause between two attempts of a watch, in ms (default 30 s where the roster asks for it, else 4 s). */
  readonly maxPauseMs?: number
  /** @deprecated Use `maxPauseMs`. */
  readonly longestPauseMs?: number
}

export type RequestOptions = {
  readonly method?: 'GET' | 'HEAD' | 'POST' | 'DELETE'
  readonly parameters?: URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

export type RosterHttp = ReturnType<typeof createRosterHttp>

/** Sends requests to one roster and turns failures into a `RosterError`. */
export function createRosterHttp({ url, token, fetch: customFetch, timeoutMs = 30_000 }: ConnectOptions) {
  const base = new URL(url)
  if (!/^https?:$/.test(base.protocol)) throw new TypeError('the URL of a roster must begin with http:// or https://')
  const urlToken = decodeURIComponent(base.password || base.username)
  const prefix = `${base.origin}${base.pathname.replace(/(?<!\/)\/+$/, '')}`
  const currentToken = async () => (typeof token === 'function' ? await token() : token) || urlToken || undefined

  /** Resolves with the response, whatever its status. Rejects with the reason of `signal`, or with a `RosterError` without a response. */
  async function open(
    path: string,
    { method = 'GET', parameters, headers, body, signal }: RequestOptions,
  ): Promise<Response> {
    const bearer = await currentToken()
    const search = parameters && parameters.size > 0 ? `?${parameters.toString()}` : ''
    try {
      return await (customFetch ?? globalThis.fetch)(`${prefix}${path}${search}`, {
        method,
        headers: {
          accept: 'application/json',
          ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      })
    } catch (error) {
      throw connectionError(error)
    }
  }

  /** Resolves with the JSON of a 2xx response; undefined for an empty body. */
  async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
    const { response, text } = await exchange(path, options)
    if (!response.ok) throw errorFrom(response, text)
    return (text === '' ? undefined : parsed(text, response)) as T
  }

  /** Resolves with the whole response, whatever its status. */
  async function exchange(path: string, options: RequestOptions = {}): Promise<{ response: Response; text: string }> {
    using cancellation = createCancellation(options.signal)
    using watchdog = createWatchdog(timeoutMs, () =>
      cancellation.cancel(new Error(`no response within ${timeoutMs / 1000} s`)),
    )
    try {
      options.signal?.throwIfAborted()
      const response = await open(path, { ...options, signal: cancellation.signal })
      const text = await response.text().catch((error: unknown) => {
        throw connectionError(error)
      })
      watchdog.stop()
      return { response, text }
    } catch (error) {
      options.signal?.throwIfAborted()
      throw error
    }
  }

  function errorFrom(response: Response, text: string): RosterError {
    const { status, headers } = response
    const problem = parsed(text, response) as ProblemDocument | null
    const detail = typeof problem?.detail === 'string' ? problem.detail : `the roster answered with status ${status}`
    const seconds = Number(headers.get('retry-after') ?? Number.NaN)
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined
    return new RosterError(detail, { status, problem: problem ?? undefined, retryAfterMs })
  }

  function parsed(text: string, { status }: Response): unknown {
    try {
      return JSON.parse(text)
    } catch (error) {
      const message = `${base.origin} answered ${status} without valid JSON; it may not be an mcp-roster`
      throw new RosterError(message, { status, cause: error })
    }
  }

  function connectionError(error: unknown): RosterError {
    return new RosterError(`no daemon answers at ${base.origin}: ${causeMessage(error)}`, { cause: error })
  }

  return { open, request, exchange, errorFrom, origin: base.origin }
}

/** The reason of a failed fetch: its own message is only "fetch failed". */
function causeMessage(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  return code === 'ECONNREFUSED' ? 'connection refused' : cause.message || code || cause.name
}
