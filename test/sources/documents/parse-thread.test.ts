import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { SourceError } from '../../../src/model/source.ts'
import { createParseScheduler, parseThreads } from '../../../src/sources/documents/parse-queue.ts'
import { createParseThread } from '../../../src/sources/documents/parse-thread.ts'
import { readDocument } from '../../../src/sources/documents/read.ts'
import { definitionsIn } from './definitions.ts'

after(() => parseThreads.end())

describe('a large document', () => {
  const large = (servers: number) =>
    `servers:\n${Array.from({ length: servers }, (_, index) => `  server-${index}:\n    command: python\n    args: ["-m", "server_${index}"]\n    tags: [a, b]\n`).join('')}`

  it('is parsed on a thread, in order, with lines', async () => {
    const entries = await readDocument(large(1000))
    assert.ok(parseThreads.isRunning('local'))
    assert.equal(entries.length, 1000)
    const last = entries[999]
    assert.ok(last && 'where' in last)
    assert.equal(last.where, 'line 3998, servers.server-999')
    assert.partialDeepStrictEqual(definitionsIn([last])[0], { name: 'server-999', args: ['-m', 'server_999'] })
  })

  it('names the location of an error', async () => {
    await assert.rejects(
      readDocument(`${large(400)}\tx: 1\n`),
      (error: SourceError) => error instanceof SourceError && error.where === 'line 1602, column 1',
    )
  })

  it('that takes too long is given up, and the next one is parsed', async () => {
    const parser = createParseThread({ cpuMs: 800 })
    const parse = createParseScheduler({ thread: parser }).createQueue()
    try {
      const [late, next] = await Promise.allSettled([parse(large(80_000), 'yaml'), parse('{"servers": []}', 'auto')])
      assert.ok(late.status === 'rejected' && /takes more than 0.8 s/.test(String(late.reason)), late.status)
      assert.equal(next.status, 'fulfilled')
    } finally {
      await parser.end()
    }
  })

  it('leaves no thread behind after the idle time', async () => {
    const parser = createParseThread({ idleMs: 1 })
    await parser.parse('servers: {}', 'yaml')
    while (parser.isRunning()) await new Promise((resolve) => setTimeout(resolve, 1))
  })
})
