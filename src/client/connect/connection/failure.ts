import { redactText } from '../../../model/redaction/redact-text.ts'
import { type ExchangeTrace, mayHaveLeft } from './http-exchange.ts'

/**
 * What is known of a request that brought no result.
 *
 * `not_sent`: it never left. `refused`: the server answered that it did nothing. `unknown`: it may have been carried out. `answered`: the
 * server dealt with it, and its answer is an error.
 */
export type Outcome = 'not_sent' | 'refused' | 'unknown' | 'answered'

export type Failure = {
  readonly outcome: Outcome
  /** In words, without secrets. */
  readonly reason: string
  readonly status?: number
  readonly retryAfterMs?: number
  /** Error of the protocol: its code, and the server's data. */
  readonly protocol?: { readonly code: number; readonly message: string; readonly data?: unknown }
  /** The session is gone; a new one may work. */
  readonly isSessionLost?: boolean
  /** Counts against the server. */
  readonly isFault: boolean
}

/** An exchange that failed. */
export class ExchangeError extends Error {
  override name = 'ExchangeError'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.reason)
    this.failure = failure
  }
}

/** The failure that an error says; an error of the caller's resolver, or of the roster, is one too. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ExchangeError) return error.failure
  const reason = redactText(error instanceof Error ? error.message : String(error)).slice(0, 200)
  return { outcome: 'not_sent', reason, isFault: true }
}

export const unsent = (reason: string) => new ExchangeError({ outcome: 'not_sent', reason, isFault: false })

/** Why an exchange was cut short by the client itself. */
export type Cut = 'timeout' | 'no_answer' | 'closed' | 'lost' | 'signal' | undefined

const unsentCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'unknown host',
  EAI_AGAIN: 'unknown host',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  NOT_CONNECTED: 'not connected',
}

/** Statuses of servers and gateways that have not carried out the request. */
const refusedStatuses = new Set([301, 302, 303, 307, 308, 401, 403, 404, 429])

/** Code of a request whose protocol revision the server does not speak. */
const unsupportedVersion = -32_022

type Thrown = {
  readonly code?: string | number
  readonly status?: number
  readonly message?: string
  readonly data?: unknown
  readonly cause?: unknown
  readonly name?: string
}

/** Judges what the SDK threw, with what was seen of the request. `scrub` removes the caller's secrets from a text. */
export function classifyFailure(
  error: unknown,
  {
    trace,
    cut,
    hasSession,
    scrub,
  }: { trace: ExchangeTrace; cut: Cut; hasSession: boolean; scrub: (text: string) => string },
): Failure {
  const left = mayHaveLeft(trace)
  const outcome: Outcome = left ? 'unknown' : 'not_sent'
  if (trace.exceeded !== undefined) return { outcome, reason: trace.exceeded, isFault: true }
  if (cut === 'timeout') return { outcome, reason: 'no answer in time', isFault: true }
  if (cut === 'no_answer') return { outcome, reason: 'the connection ended without an answer', isFault: true }
  if (cut === 'lost') return { outcome, reason: 'the connection was lost', isFault: true }
  if (cut === 'closed') return { outcome, reason: 'the connection was closed', isFault: false }
  const thrown = (typeof error === 'object' && error !== null ? error : {}) as Thrown
  const status = thrown.status ?? statusOfAuthError(thrown)
  if (status !== undefined) return httpFailure(status, { trace, hasSession })
  if (typeof thrown.code === 'number') return protocolFailure(thrown, scrub)
  const code = codeOf(thrown)
  if (code !== undefined && code in unsentCodes && !trace.sent)
    return { outcome: 'not_sent', reason: unsentCodes[code]!, isFault: true }
  return { outcome, reason: reasonOf(thrown, code), isFault: true, ...(trace.status ? { status: trace.status } : {}) }
}

function httpFailure(status: number, { trace, hasSession }: { trace: ExchangeTrace; hasSession: boolean }): Failure {
  const { retryAfterMs } = trace
  const isLost = status === 404 && hasSession
  // A gateway answers 503 also for a server that died during the call; one that names a time has decided not to call it.
  const isRefused = refusedStatuses.has(status) || (status === 503 && retryAfterMs !== undefined)
  const isWrong = status >= 400 && status < 500 && status !== 408
  return {
    outcome: isRefused ? 'refused' : isWrong ? 'answered' : 'unknown',
    reason: isLost ? 'the session is lost (status 404)' : `answered with status ${status}`,
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(isLost ? { isSessionLost: true } : {}),
    isFault: !isLost && (isRefused || !isWrong),
  }
}

function protocolFailure({ code, message = '', data }: Thrown, scrub: (text: string) => string): Failure {
  const shown = scrub(message).slice(0, 500)
  const isVersion = code === unsupportedVersion
  return {
    outcome: isVersion ? 'refused' : 'answered',
    reason: `answered with error ${code}: ${shown}`,
    protocol: {
      code: code as number,
      message: shown,
      ...(data === undefined || isTainted(data, scrub) ? {} : { data }),
    },
    ...(isVersion ? { isSessionLost: true } : {}),
    isFault: false,
  }
}

const isTainted = (data: unknown, scrub: (text: string) => string) => {
  const text = JSON.stringify(data) ?? ''
  return scrub(text) !== text
}

const statusOfAuthError = ({ name }: Thrown) => (name === 'UnauthorizedError' ? 401 : undefined)

/** The code of an error or of what caused it: the SDK wraps the errors of a first connection. */
function codeOf(error: Thrown): string | undefined {
  for (let cause: Thrown | undefined = error; cause; cause = cause.cause as Thrown | undefined) {
    if (typeof cause.code === 'string' && cause.code !== 'ERA_NEGOTIATION_FAILED') return cause.code
  }
  return undefined
}

const readableCodes: Readonly<Record<string, string>> = {
  ECONNRESET: 'connection reset',
  EPIPE: 'connection reset',
  UND_ERR_SOCKET: 'connection reset',
  UND_ERR_HEADERS_OVERFLOW: 'the headers of the answer are too long',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  REQUEST_TIMEOUT: 'no answer in time',
  CONNECTION_CLOSED: 'connection closed',
  CLIENT_HTTP_UNEXPECTED_CONTENT: 'the answer is not of MCP',
  ENOENT: 'command not found',
}

function reasonOf({ name, message = '' }: Thrown, code: string | undefined): string {
  if (code !== undefined) return readableCodes[code] ?? code.toLowerCase().replaceAll('_', ' ')
  if (name === 'SyntaxError') return 'the answer is not JSON'
  if (name === 'ZodError' || name === '$ZodError') return 'the answer is not of MCP'
  return message === 'terminated' || message === 'fetch failed' ? 'connection reset' : redactText(message).slice(0, 200)
}
