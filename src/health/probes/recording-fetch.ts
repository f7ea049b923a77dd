import type { HttpClient, OutboundStream } from '../../outbound/http-client.ts'
import { OutboundError } from '../../outbound/outbound-error.ts'
import type { ProbeRequest } from './probe.ts'

/** One exchange of a probe: how it was answered, or why it was not. */
export type Step = { readonly sent: string } & ({ readonly status: number } | { readonly error: OutboundError })

/** What is sent; header names in lower case. */
type Message = Pick<RequestInit, 'method' | 'body' | 'signal'> & { readonly headers: Readonly<Record<string, string>> }

const mostBytes = 2 * 1024 * 1024

/**
 * A `fetch` for the MCP client that goes through the door, and remembers how each exchange went.
 *
 * What the client makes of a failure is for people; what the probe must tell of it stands in `steps`.
 */
export function openRecordingFetch(ask: ProbeRequest, door: HttpClient) {
  const steps: Step[] = []
  const streams = new Set<OutboundStream>()
  const { origin } = new URL(ask.url)
  let bytes = 0

  async function fetch(input: string | URL, init: RequestInit = {}): Promise<Response> {
    const sent = typeof init.body === 'string' ? (/"method":"([\w/]+)"/.exec(init.body)?.[1] ?? 'POST') : 'GET'
    const stream = await exchange(sent, new URL(input), {
      ...init,
      headers: Object.fromEntries(new Headers(init.headers)),
    })
    return new Response(bodyOf(stream), { status: stream.status, headers: stream.headers })
  }

  /** One exchange, noted. Rejects with a `DoorError`. */
  async function exchange(sent: string, url: URL, message: Message): Promise<OutboundStream> {
    try {
      const stream = await open(url, message)
      streams.add(stream)
      steps.push({ sent, status: stream.status })
      if (stream.status >= 300 && stream.status < 400)
        throw new OutboundError('http_status', 'a redirect is not followed')
      return stream
    } catch (error) {
      const failure = error instanceof OutboundError ? error : new OutboundError('protocol', 'the answer is not HTTP')
      steps.push({ sent, error: failure })
      throw failure
    }
  }

  async function open(url: URL, { method = 'GET', headers, body, signal }: Message): Promise<OutboundStream> {
    const own = url.origin === origin ? ask.headers : {}
    return door.stream(url.href, {
      ...ask,
      method: method as 'GET' | 'POST' | 'DELETE',
      headers: { ...lowerCase(own), ...headers },
      ...(typeof body === 'string' ? { body } : {}),
      idleMs: ask.timeoutMs,
      signal: signal ? AbortSignal.any([ask.signal, signal]) : ask.signal,
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
          if (bytes > mostBytes) throw new OutboundError('protocol', `the answers are larger than ${mostBytes} bytes`)
          controller.enqueue(new Uint8Array(value))
        } catch (error) {
          if (error instanceof OutboundError) steps.push({ sent: 'body', error })
          stream.close()
          controller.error(error)
        }
      },
      cancel: () => stream.close(),
    })
  }

  /** Lets go of everything still open: a stream the server holds, a body nobody read. */
  function close(): void {
    for (const stream of streams) stream.close()
    streams.clear()
  }

  return { fetch, exchange, steps, [Symbol.dispose]: close }
}
export type RecordingFetch = ReturnType<typeof openRecordingFetch>

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
