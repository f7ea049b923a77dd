import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client'
import { readLines } from '../../../flow/bytes/line-reader.ts'
import { isJsonObject } from '../../../model/data/json-object.ts'
import type { CommandProcess } from './command-process.ts'

/** Maximum output of a command, and of one message in it. */
const maxOutputBytes = 8 * 1024 * 1024
const maxMessageBytes = 2 * 1024 * 1024
/** Each costs an exception: millions of them would block the daemon. */
const maxNoiseLines = 1000

export type CommandTransport = Transport & {
  /** Whether the command wrote lines that are no messages, and none that is. */
  readonly hasOnlyNoise: () => boolean
}

/** The MCP client's transport to a command, with a bounded output. Lines that are no JSON objects are skipped: many commands greet. */
export function createCommandTransport({ stdin, stdout, failed }: Omit<CommandProcess, 'end'>): CommandTransport {
  let [noise, messages] = [0, 0]
  let isClosed = false

  async function read(): Promise<void> {
    const tooLong = () => new Error('the command wrote too much')
    try {
      for await (const line of readLines(bounded(stdout, tooLong), { maxLineBytes: maxMessageBytes, tooLong }))
        accept(line)
    } catch (error) {
      transport.onerror?.(error instanceof Error ? error : new Error(String(error)))
    }
    close()
  }

  function accept(line: string): void {
    const message = parseOrUndefined(line)
    if (!isJsonObject(message)) {
      noise += 1
      if (noise > maxNoiseLines) throw new Error('the command writes lines that are no messages')
      return
    }
    messages += 1
    transport.onmessage?.(message as unknown as JSONRPCMessage)
  }

  function close(): void {
    if (isClosed) return
    isClosed = true
    transport.onclose?.()
  }

  const transport: CommandTransport = {
    start() {
      failed.addEventListener('abort', close, { once: true })
      if (failed.aborted) close()
      void read()
      return Promise.resolve()
    },
    send(message) {
      return new Promise((sent, fail) => {
        stdin.write(`${JSON.stringify(message)}\n`, (error) => (error ? fail(error) : sent()))
      })
    },
    close: () => Promise.resolve(close()),
    hasOnlyNoise: () => noise > 0 && messages === 0,
  }
  return transport
}

async function* bounded(chunks: AsyncIterable<Buffer>, tooLong: () => Error): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > maxOutputBytes) throw tooLong()
    yield chunk
  }
}

function parseOrUndefined(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
