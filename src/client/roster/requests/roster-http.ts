import { createCancellation, createWatchdog } from '../cancellation.ts'
import { type ProblemDocument, RosterError } from '../error.ts'
import type { CacheOptions, Staleness } from './answer-cache.ts'
import type { ResilienceOptions } from './repeated-requests.ts'

/** Address of a roster, credentials and time limits. */
export type ConnectOptions = ResilienceOptions & {
  /** Keeps answers, and gives them while the roster is away: marked `stale`. Off by default. */
  readonly cache?: CacheOptions | boolean | undefined
  /** Called with each answer that is given although the roster did not confirm it. */
  readonly onStale?: ((stale: Staleness) => void) | undefined
  /** `http://localhost:8000`; behind a gateway, with the path prefix of the API. A password in it is used as the token. */
  readonly url: string | URL
  /** A bearer token, or a function that returns one for each request (tokens in files and clouds rotate). */
  readonly token?: string | undefined | (() => string | undefined | Promise<string | undefined>)
  /** Replaces the built-in `fetch`: for a proxy, a certificate authority or a test. */
  readonly fetch?: typeof fetch
  /** Maximum duration of a request with all its retries, in ms (default 30 s). */
  readonly timeoutMs?: number
  /** Maximum silence of a watch before it reconnects, in ms (default 60 s; a roster sends a keep-alive every 15 s). */
  readonly quietMs?: number
  /** Maximum pause between two attempts of a watch, in ms (default 30 s). */
  readonly maxPauseMs?: number
  /** The part of it that the client chooses where the roster asks for no pause, in ms (default 4 s). */
  readonly maxBackoffMs?: number | undefined
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

/** A successful response, or a 304 where the request had an `if-none-match`. */
export type Exchange = { readonly status: number; readonly text: string; readonly etag: string | undefined }

export type RosterHttp = ReturnType<typeof createRosterHttp>

/** The roster did not answer in time. */
class TimeoutError extends Error {}

/** Sends requests to one roster and turns failures into a `RosterError`. */
export function createRosterHttp({ url, token, fetch: customFetch }: Pick<ConnectOptions, 'url' | 'token' | 'fetch'>) {
  if (!URL.canParse(String(url)) || !/^https?:/i.test(String(url)))
    throw new TypeError('`url` must be the URL of a roster, such as http://localhost:8000')
  const base = new URL(url)
  const urlToken = decodeURIComponent(base.password || base.username)
  const prefix = `${base.origin}${base.pathname.replace(/(?<!\/)\/+$/, '')}`

  /** The token of this request. Its text is never part of an error. */
  async function currentToken(): Promise<string | undefined> {
    const bearer = (typeof token === 'function' ? await token() : token)?.trim() || urlToken || undefined
    if (bearer === undefined || /^[\x20-\x7e]+$/.test(bearer)) return bearer
    throw new RosterError('the token has characters that no header may have, such as a line break', {
      code: 'invalid_token',
    })
  }

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

  /** One request and its whole response. Rejects with a `RosterError` for a status that is no success. */
  async function exchange(path: string, options: RequestOptions, timeoutMs: number): Promise<Exchange> {
    using cancellation = createCancellation(options.signal)
    using watchdog = createWatchdog(timeoutMs, () =>
      cancellation.cancel(new TimeoutError(`no response within ${Math.ceil(timeoutMs / 100) / 10} s`)),
    )
    try {
      options.signal?.throwIfAborted()
      const response = await open(path, { ...options, signal: cancellation.signal })
      const text = await response.text().catch((error: unknown) => {
        throw connectionError(error)
      })
      watchdog.stop()
      const { status, headers } = response
      const isUnchanged = status === 304 && options.headers?.['if-none-match'] !== undefined
      if (!response.ok && !isUnchanged) throw errorFrom(response, text)
      return { status, text, etag: headers.get('etag') ?? undefined }
    } catch (error) {
      options.signal?.throwIfAborted()
      throw error
    }
  }

  function errorFrom(response: Response, text: string): RosterError {
    const { status, headers } = response
    const problem = (text === '' ? undefined : parsed(text, response)) as ProblemDocument | null | undefined
    const detail = typeof problem?.detail === 'string' ? problem.detail : `the roster answered with status ${status}`
    const seconds = Number(headers.get('retry-after') ?? Number.NaN)
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined
    return new RosterError(detail, { status, problem: problem ?? undefined, retryAfterMs })
  }

  /** The JSON of a response; undefined for an empty body of a success. */
  function parsed(text: string, { status }: { readonly status: number }): unknown {
    try {
      return JSON.parse(text)
    } catch (error) {
      const message = `${base.origin} answered ${status} without valid JSON; it may not be an mcp-roster`
      throw new RosterError(message, { status, code: 'not_a_roster', cause: error })
    }
  }

  function connectionError(error: unknown): RosterError {
    const code = error instanceof TimeoutError ? 'timed_out' : 'unreachable'
    return new RosterError(`no daemon answers at ${base.origin}: ${causeMessage(error)}`, { code, cause: error })
  }

  return { open, exchange, parsed, errorFrom, currentToken, origin: base.origin }
}

/** The reason of a failed fetch: its own message is only "fetch failed". */
function causeMessage(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  return code === 'ECONNREFUSED' ? 'connection refused' : cause.message || code || cause.name
}
