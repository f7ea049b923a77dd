/** Whether an answer is a stream of events, by its media type. */
export const isEventStream = ({ headers }: Response) =>
  headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase() === 'text/event-stream'

/**
 * The response, of whose decoded body no more than `maxBytes` are read; of a stream of events, no more than that in one event. Beyond,
 * reading fails and `onExceeded` is called.
 */
export function limitAnswer(response: Response, { maxBytes, onExceeded }: Limits): Response {
  const isStream = isEventStream(response)
  if (!response.body || (!isStream && isDeclaredShort(response, maxBytes))) return response
  const reader = response.body.getReader()
  const measure = isStream ? createEventMeter() : createByteMeter()
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        if (measure(value) <= maxBytes) return controller.enqueue(value)
        const reason = `the answer is longer than ${maxBytes} bytes`
        onExceeded?.(reason)
        controller.error(new TypeError(reason))
        // Closes the connection; how that ends is of no interest.
        await reader.cancel().catch(() => undefined)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return new Response(body, response)
}

type Limits = { readonly maxBytes: number; readonly onExceeded?: (reason: string) => void }

/** Counts the chunks of an answer; beyond the limit calls `onExceeded` and `cut`, once. */
export function createAnswerMeter(
  { maxBytes, onExceeded }: Limits,
  { isStream, cut }: { readonly isStream: boolean; readonly cut: () => void },
): (chunk: Uint8Array) => void {
  const measure = isStream ? createEventMeter() : createByteMeter()
  let isCut = false
  return (chunk) => {
    if (isCut || measure(chunk) <= maxBytes) return
    isCut = true
    onExceeded?.(`the answer is longer than ${maxBytes} bytes`)
    cut()
  }
}

/** Whether the head says so; the length of a compressed body says nothing of what it becomes. */
function isDeclaredShort({ headers }: Response, maxBytes: number): boolean {
  const declared = headers.get('content-length')
  return declared !== null && Number(declared) <= maxBytes && !headers.has('content-encoding')
}

function createByteMeter() {
  let length = 0
  return (chunk: Uint8Array) => (length += chunk.byteLength)
}

const [lf, cr] = [10, 13]

/** Bytes since the last empty line, which ends an event. */
function createEventMeter() {
  let length = 0
  let last = 0
  return (chunk: Uint8Array) => {
    let at = chunk.byteLength - 1
    while (at >= 0 && !isEmptyLine(at === 0 ? last : chunk[at - 1]!, chunk[at]!)) at -= 1
    length = at < 0 ? length + chunk.byteLength : chunk.byteLength - 1 - at
    last = chunk.at(-1) ?? last
    return length
  }
}

/** Whether two bytes in a row end a line and begin the next: LF LF, CR CR, or the middle of CR LF CR LF. */
const isEmptyLine = (before: number, byte: number) =>
  (before === lf && (byte === lf || byte === cr)) || (before === cr && byte === cr)
