/** One message of an event stream. */
export type Message = { readonly type: string; readonly id: string | undefined; readonly data: string }

/** No message is longer: a stream that does not end its lines must not fill our memory. */
const mostLength = 16 * 1024 * 1024

/** What a stream of one message after the other broke. */
export class StreamError extends Error {
  override name = 'StreamError'
}

/**
 * The messages of an event stream (https://html.spec.whatwg.org/multipage/server-sent-events.html) as they come.
 *
 * `onRetry` is told the pause that the other side asks for, `onAlive` that something came, were it a comment. A message
 * that the end of the stream cut is none. Rejects when the stream breaks, and with a `StreamError` for one too long.
 */
export async function* messagesIn(
  body: ReadableStream<Uint8Array>,
  { onAlive, onRetry }: { onAlive: () => void; onRetry: (ms: number) => void },
): AsyncGenerator<Message> {
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
      if (lines.length() + message.length() > mostLength) {
        throw new StreamError(`a message is longer than ${mostLength} characters`)
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined) // it may have broken already
  }
}

/** Cuts text that comes in pieces into lines. */
function createLines() {
  let begun: string[] = []
  let length = 0

  function take(piece: string): string[] {
    begun.push(piece)
    length += piece.length
    // A long line is put together once, not with each piece.
    if (!/[\r\n]/.test(piece)) return []
    // A CR at the very end may be the half of a CRLF.
    const lines = begun.join('').split(/\r\n|\n|\r(?!$)/)
    const rest = lines.pop() ?? ''
    begun = [rest]
    length = rest.length
    return lines
  }

  return { take, length: () => length }
}

/** Gathers the fields of one message after the other. */
function createMessage(onRetry: (ms: number) => void) {
  let type = ''
  let id: string | undefined
  let data: string[] = []
  let length = 0

  /** The message that this line ends, if it does. */
  function take(line: string): Message | undefined {
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

  function end(): Message | undefined {
    const message = data.length > 0 ? { type: type || 'message', id, data: data.join('\n') } : undefined
    type = ''
    id = undefined
    data = []
    length = 0
    return message
  }

  return { take, length: () => length }
}
