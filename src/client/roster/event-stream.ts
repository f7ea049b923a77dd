/** One message of a server-sent event stream. */
export type StreamMessage = { readonly type: string; readonly id: string | undefined; readonly data: string }

/** Maximum characters of one message: bounds the memory that a stream without line ends can take. */
const maxMessageChars = 16 * 1024 * 1024

/** The stream violates the protocol or a limit. */
export class StreamError extends Error {
  override name = 'StreamError'
}

/**
 * Yields the messages of an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * `onRetry` gets the reconnect pause that the server asks for, `onAlive` is called for every chunk, comments included. A message
 * without its closing blank line is dropped. Throws where the stream breaks, and a `StreamError` for a message that is too long.
 */
export async function* messagesIn(
  body: ReadableStream<Uint8Array>,
  { onAlive, onRetry }: { onAlive: () => void; onRetry: (ms: number) => void },
): AsyncGenerator<StreamMessage> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const message = createMessage(onRetry)
  const lines = createLines()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      onAlive()
      for (const line of lines.take(decoder.decode(read.value, { stream: true }))) {
        const whole = message.take(line)
        if (whole) yield whole
      }
      if (lines.length() + message.length() > maxMessageChars) {
        throw new StreamError(`a message is longer than ${maxMessageChars} characters`)
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined) // the stream may be broken already
  }
}

/** Splits chunks of text into lines. */
function createLines() {
  let begun: string[] = []
  let length = 0

  function take(piece: string): string[] {
    begun.push(piece)
    length += piece.length
    // Joins a long line once, not with every chunk.
    if (!/[\r\n]/.test(piece)) return []
    // A CR at the end of a chunk may be the first half of a CRLF.
    const lines = begun.join('').split(/\r\n|\n|\r(?!$)/)
    const rest = lines.pop() ?? ''
    begun = [rest]
    length = rest.length
    return lines
  }

  return { take, length: () => length }
}

/** Collects the fields of one message after the other. */
function createMessage(onRetry: (ms: number) => void) {
  let type = ''
  let id: string | undefined
  let data: string[] = []
  let length = 0

  /** Returns the message that this line completes, if any. */
  function take(line: string): StreamMessage | undefined {
    if (line === '') return end()
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    length += line.length
    if (field === 'event') type = value
    else if (field === 'data') data.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
    else if (field === 'retry' && /^\d{1,9}$/.test(value)) onRetry(Number(value))
    return undefined
  }

  function end(): StreamMessage | undefined {
    const message = data.length > 0 ? { type: type || 'message', id, data: data.join('\n') } : undefined
    type = ''
    id = undefined
    data = []
    length = 0
    return message
  }

  return { take, length: () => length }
}
