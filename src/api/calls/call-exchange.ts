import type { Deadline } from '../../flow/deadline.ts'
import type { HttpClient, OutboundStream } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import type { CallsConfig } from '../config/calls.ts'
import { Problem } from '../http/problem.ts'

type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * Headers that pass in both directions. Nothing else does: no credentials, no cookies, no address of the caller, nothing that
 * concerns one connection.
 */
function isForwarded(name: string): boolean {
  return name === 'content-type' || name.startsWith('mcp-')
}

/**
 * Sends a call to an agent; resolves with the head of its response. Throws a problem where there is none.
 *
 * Follows no redirect but one to the same URL with or without its last slash, which the first Python runtimes answer.
 */
export async function openCall(
  url: string,
  {
    headers,
    body,
    http,
    allow,
    deadline,
  }: {
    headers: RequestHeaders
    body: Buffer
    http: Pick<HttpClient, 'stream'>
    allow: CallsConfig['allow']
    deadline: Deadline
  },
): Promise<OutboundStream> {
  const send = (to: string) =>
    http.stream(to, {
      method: 'POST',
      headers: forwardedHeaders(headers),
      body,
      reach: 'public',
      exceptions: allow,
      // The deadline of the call limits both.
      timeoutMs: maxTimerMs,
      idleMs: maxTimerMs,
      signal: deadline.signal(),
    })
  try {
    const response = await send(url)
    const next = slashRedirect(url, response)
    if (next === undefined) return usable(response)
    response.close()
    return usable(await send(next))
  } catch (error) {
    throw error instanceof OutboundError ? callProblem(error, url, deadline) : error
  }
}

/** The longest delay of a timer in Node. */
const maxTimerMs = 2 ** 31 - 1

function forwardedHeaders(headers: RequestHeaders): Record<string, string> {
  const passed = Object.entries(headers).filter(([name]) => isForwarded(name) || name === 'accept')
  return Object.fromEntries(passed.map(([name, value = '']) => [name, String(value)]))
}

/** The headers of an agent's response that reach the caller. */
export function returnedHeaders({ headers }: Pick<OutboundStream, 'headers'>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isForwarded(name)))
}

function slashRedirect(url: string, { status, headers: { location } }: OutboundStream): string | undefined {
  if ((status !== 307 && status !== 308) || location === undefined) return undefined
  const next = URL.parse(location, url)?.href
  return next === `${url}/` || `${next}/` === url ? next : undefined
}

/** The response, if it can be relayed: closed otherwise, with a problem that says why. */
function usable(response: OutboundStream): OutboundStream {
  const defect = defectOf(response)
  if (defect === undefined) return response
  response.close()
  throw new Problem('call_failed', `The response of the agent ${defect}.`)
}

function defectOf({ status, headers }: OutboundStream): string | undefined {
  if (status >= 600) return `has the invalid status ${status}`
  if (status >= 300 && status < 400) return `redirects (${status}), which is not followed`
  if (!['', 'identity'].includes(headers['content-encoding'] ?? '')) return 'is encoded, which was not asked for'
  const isClean = Object.entries(headers).every(([name, value]) => !isForwarded(name) || isHeaderValue(value))
  return isClean ? undefined : 'has a header with control characters'
}

function isHeaderValue(text: string): boolean {
  return !/[^\t\x20-\x7e\x80-\xff]/.test(text)
}

/** The problem for an exchange that broke off. */
export function callProblem(
  error: OutboundError,
  url: string,
  { abortReason }: Pick<Deadline, 'abortReason'>,
): Problem {
  if (abortReason()?.name === 'TimeoutError')
    return new Problem('call_timeout', 'The agent did not answer within the time of the call.', { cause: error })
  if (abortReason()) return new Problem('shutting_down', 'The registry is shutting down.', { cause: error })
  if (error.reason === 'blocked') {
    const detail = `The address of ${new URL(url).host} may not be called: ${error.message}. calls.allow names the networks whose agents may be called.`
    return new Problem('call_address_forbidden', detail, { cause: error })
  }
  return new Problem('call_failed', `The agent could not be called: ${error.message}.`, { cause: error })
}
