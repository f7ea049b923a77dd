import { createEnding, createWatchdog } from './ending.ts'
import { type Problem, RosterError } from './error.ts'

/** Where a roster is, and as whom to ask. */
export type ConnectOptions = {
  /** Such as `http://localhost:8000`; behind a gateway, with the path in front of the API. A password in it is the token. */
  readonly url: string | URL
  /** A bearer token, or what gives one for each request: tokens of files and of clouds change. */
  readonly token?: string | undefined | (() => string | undefined | Promise<string | undefined>)
  /** Instead of the built-in `fetch`: for a proxy, a certificate authority, a test. */
  readonly fetch?: typeof fetch
  /** How long a request may take (30 s). */
  readonly timeoutMs?: number
  /** How long a watch may be silent before its connection is taken for dead (60 s; a roster says something every 15 s). */
  readonly quietMs?: number
  /** The longest pause between two attempts of a watch (30 s). */
  readonly longestPauseMs?: number
}

export type RequestFunction = {
  readonly method?: 'GET' | 'POST' | 'DELETE'
  readonly parameters?: URLSearchParams
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
}

export type Wire = ReturnType<typeof createWire>

/** Sends requests to one roster, and makes errors of what is no good answer. */
export function createWire({ url, token, fetch: own, timeoutMs = 30_000 }: ConnectOptions) {
  const base = new URL(url)
  if (!/^https?:$/.test(base.protocol)) throw new TypeError('the URL of a roster begins with http:// or https://')
  const inside = decodeURIComponent(base.password || base.username)
  const prefix = `${base.origin}${base.pathname.replace(/\/+$/, '')}`
  const tokenNow = async () => (typeof token === 'function' ? await token() : token) || inside || undefined

  /** The answer, whatever its status. Rejects with the reason of `signal`, or with a `RosterError` where there is none. */
  async function open(
    path: string,
    { method = 'GET', parameters, headers, body, signal }: RequestFunction,
  ): Promise<Response> {
    const bearer = await tokenNow()
    const search = parameters && parameters.size > 0 ? `?${parameters.toString()}` : ''
    try {
      return await (own ?? globalThis.fetch)(`${prefix}${path}${search}`, {
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
      throw noAnswer(error)
    }
  }

  /** The JSON of a good answer; undefined for an empty one. */
  async function ask<T>(path: string, asked: RequestFunction = {}): Promise<T> {
    using ending = createEnding(asked.signal)
    using watchdog = createWatchdog(timeoutMs, () => ending.end(new Error('it took too long')))
    try {
      asked.signal?.throwIfAborted()
      const response = await open(path, { ...asked, signal: ending.signal })
      const text = await response.text().catch((error: unknown) => {
        throw noAnswer(error)
      })
      watchdog.hush()
      if (!response.ok) throw refused(response, text)
      return (text === '' ? undefined : parsed(text, response)) as T
    } catch (error) {
      asked.signal?.throwIfAborted()
      throw error
    }
  }

  function refused(response: Response, text: string): RosterError {
    const { status, headers } = response
    const problem = parsed(text, response) as Problem | null
    const said = typeof problem?.detail === 'string' ? problem.detail : `the roster answered ${status}`
    const seconds = Number(headers.get('retry-after') ?? Number.NaN)
    const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined
    return new RosterError(said, { status, problem: problem ?? undefined, retryAfterMs })
  }

  function parsed(text: string, { status }: Response): unknown {
    try {
      return JSON.parse(text)
    } catch (error) {
      const message = `${base.origin} answered ${status} with something that is no JSON: is it an mcp-roster?`
      throw new RosterError(message, { status, cause: error })
    }
  }

  function noAnswer(error: unknown): RosterError {
    return new RosterError(`no daemon answers at ${base.origin}: ${whyOf(error)}`, { cause: error })
  }

  return { open, ask, refused, origin: base.origin }
}

/** What `fetch` says is "fetch failed"; why, its cause knows. */
function whyOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  if (!(cause instanceof Error)) return String(cause)
  const code = 'code' in cause ? String(cause.code) : ''
  return code === 'ECONNREFUSED' ? 'nobody listens there' : cause.message || code || cause.name
}
