const newline = 0x0a

/**
 * Splits a stream of bytes into lines, wherever the chunks end, in the middle of a character too. Skips blank lines.
 *
 * A line longer than `maxLineBytes` ends the stream with the error that `tooLong` makes, before it fills the memory.
 */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  { maxLineBytes, tooLong }: { maxLineBytes: number; tooLong: () => Error },
): AsyncGenerator<string, void, undefined> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      parts.push(chunk.subarray(start, end))
      const line = Buffer.concat(parts).toString()
      parts = []
      length = 0
      start = end + 1
      if (line.trim() !== '') yield line
    }
    if (start === chunk.length) continue
    parts.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > maxLineBytes) throw tooLong()
  }
}
