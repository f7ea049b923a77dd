import { KubeApiError } from '../connection/kube-api-error.ts'

const newline = 0x0a

/**
 * Cuts a stream of bytes into its lines, wherever the chunks end, in the middle of a character too.
 *
 * A line longer than `mostBytes` ends the stream with an error before it fills the memory.
 */
export async function* linesOf(chunks: AsyncIterable<Buffer>, mostBytes: number): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      parts.push(chunk.subarray(start, end))
      const line = Buffer.concat(parts).toString('utf8')
      parts = []
      size = 0
      start = end + 1
      if (line.length > 0) yield line
    }
    if (start === chunk.length) continue
    parts.push(chunk.subarray(start))
    size += chunk.length - start
    if (size > mostBytes) throw new KubeApiError('broken', `a watch event is larger than ${mostBytes} bytes`)
  }
}
