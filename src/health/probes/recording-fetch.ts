import type { HttpClient, OutboundRequest, OutboundStream } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import type { ProbeRequest } from './probe.ts'

/** One exchange of a probe: the JSON-RPC method it sent, and its status or failure. */
export type Exchange = { readonly sent: string } & ({ readonly status: number } | { readonly error: OutboundError })

/** A request to send; header names in lower case. */
type Message = Pick<RequestInit, 'method' | 'body' | 'signal'> & { readonly headers: Readonly<Record<string, string>> }

/** What is sent, where to, and within which limits. */
export type OutboundCall = Pick<ProbeRequest, 'url' | 'headers' | 'allow' | 'deny' | 'timeoutMs' | 'signal' | 'sse'> &
  Pick<OutboundRequest, 'reach' | 'exceptions'>

/** Limit on all response bodies of a probe together. */
const maxProbeBytes = 2 * 1024 * 1024

/**
 * A `fetch` for the MCP client that uses the outbound HTTP client, and records every exchange.
 *
 * The MCP client's own errors are texts for people; a probe takes its reason from the recorded `exchanges`.
 */
export function openRecordingFetch(request: OutboundCall, http: Pick<HttpClient, 'stream'>, maxBytes = maxProbeBytes) {
  const exchanges: Exchange[] = []
  const streams = new Set<OutboundStream>()
  const { origin } = new URL(request.url)
  let bytes = 0

  async function fetch(input: string | URL, init: RequestInit = {}): Promise<Response> {
    const method = typeof init.body === 'string' ? (/"method":"([\w/]+)"/.exec(init.body)?.[1] ?? 'POST') : 'GET'
    const stream = await exchange(method, new URL(input), {
      ...init,
      headers: Object.fromEntries(new Headers(init.headers)),
    })
    return new Response(bodyOf(stream), { status: stream.status, headers: stream.headers })
  }

  /** Makes and records one exchange. Rejects with an `OutboundError`. */
  async function exchange(sent: string, url: URL, message: Message): Promise<OutboundStream> {
    try {
      const stream = await open(url, message)
      streams.add(stream)
      exchanges.push({ sent, status: stream.status })
      if (stream.status >= 300 && stream.status < 400)
        throw new OutboundError('http_status', 'redirects are not followed')
      return stream
    } catch (error) {
      const failure = error instanceof OutboundError ? error : new OutboundError('protocol', 'the response is not HTTP')
      exchanges.push({ sent, error: failure })
      throw failure
    }
  }

  async function open(url: URL, { method = 'GET', headers, body, signal }: Message): Promise<OutboundStream> {
    const ownHeaders = url.origin === origin ? request.headers : {}
    return http.stream(url.href, {
      ...request,
      method: method as 'GET' | 'POST' | 'DELETE',
      headers: { ...lowerCase(ownHeaders), ...headers },
      ...(typeof body === 'string' ? { body } : {}),
      idleMs: request.timeoutMs,
      signal: signal ? AbortSignal.any([request.signal, signal]) : request.signal,
    })
  }

  function bodyOf(stream: OutboundStream): ReadableStream<Uint8Array> | null {
    const chunks = stream.body[Symbol.asyncIterator]()
    if ([204, 205, 304].includes(stream.status)) {
      stream.close()
      return null
    }
    return new ReadableStream({
      async pull(controller) {
        try {
          const { done, value } = await chunks.next()
          if (done) return controller.close()
          bytes += value.length
          if (bytes > maxBytes) throw new OutboundError('protocol', `the responses exceed ${maxBytes} bytes`)
          controller.enqueue(new Uint8Array(value))
        } catch (error) {
          if (error instanceof OutboundError) exchanges.push({ sent: 'body', error })
          stream.close()
          controller.error(error)
        }
      },
      cancel: () => stream.close(),
    })
  }

  /** Closes every open stream: those that the server keeps open, and bodies left unread. */
  function close(): void {
    for (const stream of streams) stream.close()
    streams.clear()
  }

  return { fetch, exchange, exchanges, [Symbol.dispose]: close }
}
export type RecordingFetch = ReturnType<typeof openRecordingFetch>

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
