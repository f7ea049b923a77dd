/** Code of the error that is put at the end of a stream without an answer; see `callFailure`. */
export const interruptedCode = -32_099

/**
 * A `fetch` for one connection of the MCP client.
 *
 * The client waits for its whole timeout where the stream of an answer ends too early. Here every stream ends with an error for
 * the request, which the client ignores after an answer. The stream for notifications, which agents do not use, is not opened.
 * `opening` limits the first exchange.
 */
export function answeringFetch(opening: () => AbortSignal | undefined): typeof fetch {
  return async (input, init) => {
    if (init?.method === 'GET') return new Response(null, { status: 405 })
    const signals = [init?.signal, opening()].flatMap((signal) => signal ?? [])
    const signal = signals.length > 1 ? AbortSignal.any(signals) : (signals[0] ?? null)
    const response = await fetch(input, { ...init, signal })
    if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response
    const id = requestId(init?.body)
    if (id === undefined) return response
    return new Response(withFinalError(response.body, id), { status: response.status, headers: response.headers })
  }
}

function requestId(body: unknown): unknown {
  if (typeof body !== 'string') return undefined
  const message = JSON.parse(body) as { id?: unknown; method?: unknown } | unknown[]
  return Array.isArray(message) || message.method === undefined ? undefined : message.id
}

function withFinalError(body: ReadableStream<Uint8Array>, id: unknown): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  const error = { code: interruptedCode, message: 'the connection ended before the answer' }
  const event = `\n\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, error })}\n\n`

  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (!done) return controller.enqueue(value)
      } catch {
        // A reset ends the stream as an end does.
      }
      controller.enqueue(new TextEncoder().encode(event))
      controller.close()
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
