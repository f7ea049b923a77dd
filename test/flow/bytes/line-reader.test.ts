import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readLines } from '../../../src/flow/bytes/line-reader.ts'

async function linesIn(chunks: readonly (string | Buffer)[], maxLineBytes = 100): Promise<string[]> {
  async function* stream() {
    await Promise.resolve()
    for (const chunk of chunks) yield Buffer.from(chunk)
  }
  const lines: string[] = []
  for await (const line of readLines(stream(), { maxLineBytes, tooLong: () => new Error('line too long') }))
    lines.push(line)
  return lines
}

describe('the line reader', () => {
  const euro = Buffer.from('€')
  const cases: [title: string, chunks: (string | Buffer)[], lines: string[]][] = [
    ['splits one chunk into its lines', ['a\nb\n'], ['a', 'b']],
    ['joins a line that arrives in parts', ['a', 'b', 'c\nd\n'], ['abc', 'd']],
    ['joins a character that is cut between two chunks', [euro.subarray(0, 1), euro.subarray(1), '\n'], ['€']],
    ['skips blank lines', ['\n \na\n\r\n'], ['a']],
    ['drops what follows the last newline', ['a\nhalf'], ['a']],
  ]
  for (const [title, chunks, lines] of cases) it(title, async () => assert.deepEqual(await linesIn(chunks), lines))

  it('rejects a line that is longer than allowed before it is complete', async () => {
    await assert.rejects(linesIn(['a\n', 'b'.repeat(60), 'c'.repeat(60)]), /line too long/)
    assert.deepEqual(await linesIn(['b'.repeat(60), '\n', 'c'.repeat(60), '\n']), ['b'.repeat(60), 'c'.repeat(60)])
  })
})
