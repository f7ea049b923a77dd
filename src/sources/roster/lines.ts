import { SourceError } from '../../model/source.ts'

/** The longest line that is read: one server with all that it can do. */
const longestBytes = 8 * 1024 * 1024

/** Cuts a body into lines as they come, none longer than fits; what is empty is passed over. */
export async function* linesOf(body: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    let from = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      parts.push(chunk.subarray(from, end))
      const line = Buffer.concat(parts).toString()
      parts = []
      length = 0
      from = end + 1
      if (line.trim() !== '') yield line
    }
    parts.push(chunk.subarray(from))
    length += chunk.length - from
    if (length > longestBytes) throw new SourceError(`its watch has a line of more than ${longestBytes} bytes`)
  }
}
