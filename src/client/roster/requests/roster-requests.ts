import { isTransient, RosterError } from '../error.ts'
import { type AnswerCache, createAnswerCache, type KeptAnswer, type Staleness } from './answer-cache.ts'
import { createRepeatedRequests } from './repeated-requests.ts'
import { type ConnectOptions, createRosterHttp, type Exchange, type RequestOptions } from './roster-http.ts'

export type RosterRequestOptions = RequestOptions & {
  /** Whether the request may be made again after a failure. Reads always may. */
  readonly isRepeatable?: boolean
  /** Whether the answer is kept, where the client keeps any. */
  readonly isKept?: boolean
}

export type RosterRequests = ReturnType<typeof createRosterRequests>

/** The requests of a client: repeated where that may help, answered from what was kept while the roster is away. */
export function createRosterRequests(options: ConnectOptions) {
  const http = createRosterHttp(options)
  const { timeoutMs = 30_000, cache: caching = false, onStale } = options
  const repeated = createRepeatedRequests(options, http.origin)
  let lastToken: string | undefined
  const cache = caching === false ? undefined : createAnswerCache(caching === true ? {} : caching)

  /** Resolves with a successful response, or a 304 that was asked for. */
  function exchange(path: string, request: RosterRequestOptions): Promise<Exchange> {
    const { signal, method = 'GET', isRepeatable = method === 'GET' } = request
    return repeated((limitMs) => http.exchange(path, request, limitMs), { timeoutMs, isRepeatable, signal })
  }

  /** Resolves with the JSON of a response; undefined for an empty body. */
  async function request<T>(path: string, request: RosterRequestOptions = {}): Promise<T> {
    if (cache && request.isKept) return (await readThrough(cache, path, request)) as T
    const { text, status } = await exchange(path, request)
    return (text === '' ? undefined : http.parsed(text, { status })) as T
  }

  async function readThrough(answers: AnswerCache, path: string, request: RosterRequestOptions): Promise<unknown> {
    const token = await http.currentToken()
    if (token !== lastToken) answers.clear()
    lastToken = token
    const key = `${http.origin}${path}?${request.parameters?.toString() ?? ''}`
    const kept = await answers.read(key)
    if (kept && answers.isFresh(kept)) return JSON.parse(kept.text)
    try {
      const headers = kept?.etag === undefined ? request.headers : { ...request.headers, 'if-none-match': kept.etag }
      const { status, text, etag } = await exchange(path, { ...request, ...(headers ? { headers } : {}) })
      const answer = { text: status === 304 && kept ? kept.text : text, etag, at: Date.now() }
      const parsed = http.parsed(answer.text, { status })
      await answers.write(key, answer)
      return parsed
    } catch (error) {
      if (isTransient(error) && kept) return staleAnswer(path, kept, error)
      if (error instanceof RosterError && !isTransient(error)) await answers.remove(key)
      throw error
    }
  }

  function staleAnswer(path: string, { text, at }: KeptAnswer, error: RosterError): unknown {
    const stale: Staleness = { path, since: new Date(at).toISOString(), reason: error.message }
    onStale?.(stale)
    return { ...(JSON.parse(text) as object), stale }
  }

  return { ...http, request, exchange }
}
