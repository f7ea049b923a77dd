import { createGrowingBuffer } from './growing-buffer.ts'

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
  const partial = createGrowingBuffer()

  function lineEnding(chunk: Buffer): string {
    if (partial.length() === 0) return chunk.toString()
    partial.add(chunk)
    const line = partial.peek().toString()
    partial.clear()
    return line
  }

  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = lineEnding(chunk.subarray(start, end))
      start = end + 1
      if (line.trim() !== '') yield line
    }
    if (start < chunk.length) partial.add(chunk.subarray(start))
    if (partial.length() > maxLineBytes) throw tooLong()
  }
}
